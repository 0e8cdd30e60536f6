"""``Tuner``: the searches apart from any run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from leyden import Trainer
from leyden.api.calls import Call
from leyden.api.logger import NoLogger
from leyden.api.session import Session
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.kernel.run import execute
from leyden.kernel.state import TrainerFn
from leyden_tuner import lr_search
from leyden_tuner.arguments import METHODS, choice
from leyden_tuner.callbacks import BatchSizeFinder, LearningRateFinder
from leyden_tuner.memory import Memory
from leyden_tuner.result import LRFinder
from leyden_tuner.trial import kept_attributes, kept_state

if TYPE_CHECKING:
    from leyden import LightningModule

_PREFIXES = {"validate": "val", "test": "test", "predict": "predict"}


class Tuner:
    """Searches for hyper-parameters of a module with a Trainer, and leaves both as they were.

    Args:
        trainer: the Trainer whose settings, hardware and callbacks' ``setup`` are used.

    Raises:
        leyden.errors.ArgumentTypeError: it is no Trainer.
    """

    def __init__(self, trainer: Trainer) -> None:
        if not isinstance(trainer, Trainer):
            raise ArgumentTypeError.about("Tuner(trainer)", trainer, "a leyden.Trainer")
        self._trainer = trainer

    def lr_find(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        dataloaders: Any = None,
        datamodule: Any = None,
        method: str = "fit",
        min_lr: float = 1e-8,
        max_lr: float = 1,
        num_training: int = 100,
        mode: str = "exponential",
        early_stop_threshold: float | None = 4.0,
        update_attr: bool = True,
        attr_name: str = "",
    ) -> LRFinder | None:
        """Train with rising learning rates and see where the loss falls most steeply.

        Args:
            model: the module.
            train_dataloaders: training data, or a LightningDataModule.
            val_dataloaders: validation data.
            dataloaders: nothing; data are passed as ``train_dataloaders``.
            datamodule: a LightningDataModule instead of loaders.
            method: ``"fit"``.
            min_lr: the first rate.
            max_lr: the last rate.
            num_training: how many rates to try; fewer when ``max_epochs`` of data are fewer.
            mode: let the rate rise ``"exponential"`` or ``"linear"``.
            early_stop_threshold: end when the smoothed loss exceeds so many times the lowest; ``None`` never.
            update_attr: set the attribute to the suggestion.
            attr_name: the attribute; ``lr`` or ``learning_rate`` when empty.

        Returns:
            Losses over rates; ``None`` under ``fast_dev_run`` and after Ctrl-C.

        Raises:
            leyden.errors.ConfigurationError: an argument is not possible, there is not exactly one optimizer, or nobody
                has the attribute.
        """
        if choice("method", method, METHODS) != "fit":
            raise ConfigurationError.about("lr_find(method)", method, "'fit'")
        self._alone(LearningRateFinder)
        finder = LearningRateFinder(
            min_lr, max_lr, num_training, mode, early_stop_threshold, update_attr, attr_name
        )
        call = self._call(model, train_dataloaders, val_dataloaders, dataloaders, datamodule, "fit")
        if update_attr:
            lr_search.wanted(*call.resolved(self._trainer)[:2], attr_name)

        def search(session: Session) -> LRFinder | None:
            finder.lr_find(self._trainer, session.module)
            return finder.optimal_lr

        found: LRFinder | None = self._run(call, search)
        if update_attr and found is not None and (rate := found.suggestion()) is not None:
            # where the search ran in another process, this one does not know yet
            lr_search.wanted(*call.resolved(self._trainer)[:2], attr_name).set(rate)
        return found

    def scale_batch_size(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        dataloaders: Any = None,
        datamodule: Any = None,
        method: str = "fit",
        mode: str = "power",
        steps_per_trial: int = 3,
        init_val: int = 2,
        max_trials: int = 25,
        batch_arg_name: str = "batch_size",
        margin: float = 0.05,
        max_val: int = 8192,
    ) -> int | None:
        """Find the largest batch size that fits into memory, and set the attribute to it.

        Args:
            model: the module.
            train_dataloaders: a LightningDataModule; loaders cannot be given another batch size.
            val_dataloaders: nothing; it is an argument of Lightning's.
            dataloaders: a LightningDataModule, for the methods other than ``"fit"``.
            datamodule: a LightningDataModule.
            method: ``"fit"``, ``"validate"``, ``"test"`` or ``"predict"``: what has to fit.
            mode: ``"power"`` doubles until it does not fit; ``"binsearch"`` then searches between the last two.
            steps_per_trial: batches to run with each size.
            init_val: the first size.
            max_trials: how many sizes to try.
            batch_arg_name: the attribute of the module, the data module or their ``hparams``.
            margin: the part by which ``"binsearch"`` reduces the size that it has found.
            max_val: the largest size.

        Returns:
            The size; ``None`` under ``fast_dev_run`` and after Ctrl-C.

        Raises:
            leyden.errors.ConfigurationError: an argument is not possible, nobody has the attribute, there are several
                processes, or not even one sample fits.
        """
        method = choice("method", method, METHODS)
        self._alone(BatchSizeFinder)
        finder = BatchSizeFinder(mode, steps_per_trial, init_val, max_trials, batch_arg_name, margin, max_val)
        if self._trainer.world_size > 1:
            raise ConfigurationError(
                f"scale_batch_size works with one process, and the Trainer has {self._trainer.world_size}."
            )
        call = self._call(model, train_dataloaders, val_dataloaders, dataloaders, datamodule, method)

        def search(session: Session) -> int | None:
            finder.scale_batch_size(self._trainer, session.module)
            return finder.optimal_batch_size

        size: int | None = self._run(call, search)
        return size

    def _alone(self, kind: type) -> None:
        if any(isinstance(one, kind) for one in self._trainer.callbacks):
            raise ConfigurationError(
                f"The Trainer has a {kind.__name__}, which searches when a call begins. Use it or the Tuner, not both."
            )

    def _call(self, model: Any, train: Any, val: Any, others: Any, datamodule: Any, method: str) -> Call:
        if method == "fit":
            if others is not None:
                raise ConfigurationError(
                    "dataloaders is not possible with method='fit': pass train_dataloaders and val_dataloaders."
                )
            return Call(TrainerFn.FITTING, model, datamodule, {"train": train, "val": val}, None)
        if train is not None or val is not None:
            raise ConfigurationError(
                f"train_dataloaders and val_dataloaders are not possible with method={method!r}: pass dataloaders."
            )
        return Call(TrainerFn(method), model, datamodule, {_PREFIXES[method]: others}, None)

    def _run(self, call: Call, search: Callable[[Session], Any]) -> Any:
        trainer = self._trainer
        module, datamodule, loaders = call.resolved(trainer)
        trainer._module = module

        def run() -> Any:
            session = SearchSession(trainer, call.fn, module, datamodule, loaders, search)
            trainer.session = session
            return execute(session)

        callbacks = Memory(values=False)
        callbacks.keep(*trainer.callbacks)
        status = trainer.run_state.status
        try:
            with kept_attributes(trainer), kept_state(trainer):
                trainer.loggers = [NoLogger()] if trainer.loggers else []
                try:
                    return trainer.strategy.launch(run, trainer)
                finally:
                    status = trainer.run_state.status
                    callbacks.restore()
        finally:
            trainer.run_state.status = status


class SearchSession(Session):
    """A session that is set up and torn down as usual, and searches in between.

    Args:
        trainer: the Trainer.
        fn: what the search is for.
        module: the module.
        datamodule: the data module, if any.
        loaders: loaders that the user passed, by prefix.
        search: runs in the place of the loop.
    """

    def __init__(
        self,
        trainer: Trainer,
        fn: TrainerFn,
        module: LightningModule,
        datamodule: Any,
        loaders: dict[str, Any],
        search: Callable[[Session], Any],
    ) -> None:
        super().__init__(trainer, fn, module, datamodule, loaders, None, None, False)
        self._search = search

    def loop(self) -> Any:
        """Search."""
        torch.set_grad_enabled(self.fn is TrainerFn.FITTING)
        return self._search(self)

    def finish(self) -> None:
        """Nothing: no fit has ended."""

    def _fire(self, name: str, *args: Any) -> None:
        if name != "on_fit_start":  # no fit begins
            super()._fire(name, *args)
