"""The Trainer: configuration, and one run for each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack, cast

from leyden._version import __version__
from leyden.api.callback import ordered
from leyden.api.calls import Call
from leyden.api.dialects import member, understanding
from leyden.api.flags import flag
from leyden.api.rank_zero import rank_zero_info
from leyden.api.resumable import ResumableLoader
from leyden.api.signature import InstalledKeywords
from leyden.api.trainer_views import FitLoopView, StateView, TrainerViews
from leyden.api.warn import warn
from leyden.errors import NoModuleError
from leyden.kernel.run import execute
from leyden.kernel.state import RunState, TrainerFn
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, DetachedError
from leyden.plugins.selection import KERNEL

if TYPE_CHECKING:
    from leyden.api.callback import Callback
    from leyden.api.logger import Logger
    from leyden.api.module import LightningModule
    from leyden.api.session import Session
    from leyden.api.trainer_keywords import TrainerKeywords
    from leyden.interfaces.accelerator import Accelerator
    from leyden.interfaces.checkpoint_io import CheckpointIO
    from leyden.interfaces.strategy import Strategy
    from leyden.plugins.adapt import Participant


class _Documented(type):
    """Shows the keywords that are installed, to ``inspect.signature`` and ``help``, without importing them before."""

    @property
    def __signature__(cls) -> inspect.Signature:
        from leyden.api.signature import parameters

        if vars(cls).get("__init__") is not vars(Trainer)["__init__"]:
            raise AttributeError("__signature__")
        return inspect.Signature(parameters())

    @property
    def __doc__(cls) -> str | None:  # type: ignore[override]
        from leyden.api.signature import documentation

        own: str | None = vars(cls).get("__doc__")
        return f"{own}\n{documentation()}" if own and cls is Trainer else own

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:
            return member(cls, cls, name)


class Trainer(TrainerViews, metaclass=_Documented):
    """Trains, validates, tests and predicts with a LightningModule.

    Every keyword is checked when the Trainer is made. Keywords belong to the Trainer or to an installed plugin.

    Raises:
        leyden.errors.LeydenError: a keyword, or what it asks for, is not possible; says what is, and what to install.
    """

    accelerator: Accelerator
    strategy: Strategy
    callbacks: list[Any]
    loggers: list[Logger]
    listeners: list[Participant]
    default_root_dir: str
    device_ids: list[int]
    require_plugins: tuple[str, ...]
    fast_dev_run: bool | int
    accumulate_grad_batches: int
    inference_mode: bool
    use_distributed_sampler: bool
    overfit_batches: float
    num_nodes: int
    enable_autolog_hparams: bool
    reload_dataloaders_every_n_epochs: int
    barebones: bool
    log_every_n_steps: int
    limit_train_batches: float
    limit_val_batches: float
    limit_test_batches: float
    limit_predict_batches: float
    val_check_interval: Any
    gradient_clip_val: float | None
    gradient_clip_algorithm: str | None
    resumable_loader: Callable[[Any], ResumableLoader] = ResumableLoader
    """Makes a loader's passes ones that can be taken up again; an option may put a subclass here."""

    def __init__(self, *args: Any, **keywords: Unpack[TrainerKeywords]) -> None:
        if args:
            raise ArgumentTypeError(
                f"Trainer takes keywords alone, and got {args[0]!r} without one. Name it."
            )
        self.run_state = RunState()
        self.state = StateView(self.run_state)
        self.fit_loop = FitLoopView(self)
        self.session: Session | None = None
        self.evaluation_counts: dict[tuple[str, int], int] = {}
        self.notes: list[str] = []
        self.epochs_open = False
        self.given = dict(keywords)
        self.brought_by: dict[int, str] = {}
        self._module: Any = None
        self._ckpt_path: str | None = None
        # Here, because it takes long: a program may import much and train nothing.
        from leyden.api import assembly

        assembly.configure(self, cast("dict[str, Any]", keywords))

    __init__.__signature__ = InstalledKeywords()  # type: ignore[attr-defined]

    if not TYPE_CHECKING:  # type checkers are to find misspelled attributes

        def __getattr__(self, name: str) -> Any:
            return member(type(self), self, name)

    @property
    def running(self) -> Session:
        """The session of the running or last call.

        Raises:
            leyden.errors.DetachedError: nothing has run yet.
        """
        if self.session is None:
            raise DetachedError(
                "Nothing has run yet: this is known in or after fit, validate, test or predict."
            )
        return self.session

    # -- the four calls ------------------------------------------------------------------------------------------

    @understanding
    def fit(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        datamodule: Any = None,
        ckpt_path: str | PathLike[str] | None = None,
        weights_only: bool | None = None,
    ) -> None:
        """Train a module.

        Args:
            model: the module.
            train_dataloaders: training data, or a LightningDataModule.
            val_dataloaders: validation data.
            datamodule: a LightningDataModule instead of loaders.
            ckpt_path: resume from this checkpoint: a path, ``"best"``, ``"last"``, or ``"auto"``: the newest that is
                whole, also of earlier versions of the run; where there is none, start.
            weights_only: ``False`` lets the checkpoint run code.

        Raises:
            leyden.errors.LeydenError: something needed is missing or contradictory; before the first step.
        """
        self.epochs_open = False
        if self.notes:
            for note in self.notes:
                warn("max-epochs", note)
            self.notes = []
        call = Call(
            TrainerFn.FITTING,
            model,
            datamodule,
            {"train": train_dataloaders, "val": val_dataloaders},
            ckpt_path,
        )
        self._run(call, weights_only)

    @understanding
    def validate(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        ckpt_path: str | PathLike[str] | None = None,
        verbose: bool = True,
        datamodule: Any = None,
        weights_only: bool | None = None,
    ) -> list[dict[str, float]]:
        """Run one validation epoch and return its metrics, one dict a loader.

        Args:
            model: the module; the last one when ``None``, then with the weights of the best checkpoint.
            dataloaders: validation data, or a LightningDataModule.
            ckpt_path: load these weights first: a path, ``"best"``, ``"last"``.
            verbose: print the metrics.
            datamodule: a LightningDataModule instead of loaders.
            weights_only: ``False`` lets the checkpoint run code.
        """
        flag("verbose", verbose)
        call = Call(TrainerFn.VALIDATING, model, datamodule, {"val": dataloaders}, ckpt_path)
        return self._reported(self._run(call, weights_only), verbose, "validate")

    @understanding
    def test(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        ckpt_path: str | PathLike[str] | None = None,
        verbose: bool = True,
        datamodule: Any = None,
        weights_only: bool | None = None,
    ) -> list[dict[str, float]]:
        """Run one test epoch; as :meth:`validate`."""
        flag("verbose", verbose)
        call = Call(TrainerFn.TESTING, model, datamodule, {"test": dataloaders}, ckpt_path)
        return self._reported(self._run(call, weights_only), verbose, "test")

    @understanding
    def predict(
        self,
        model: LightningModule | None = None,
        dataloaders: Any = None,
        datamodule: Any = None,
        return_predictions: bool | None = None,
        ckpt_path: str | PathLike[str] | None = None,
        weights_only: bool | None = None,
    ) -> Any:
        """Predict, and return what ``predict_step`` returned: a list of batches, a list of lists for several loaders.

        Args:
            model: the module; the last one when ``None``.
            dataloaders: data, or a LightningDataModule.
            datamodule: a LightningDataModule instead of loaders.
            return_predictions: ``False`` keeps nothing, for large data; default yes.
            ckpt_path: load these weights first.
            weights_only: ``False`` lets the checkpoint run code.
        """
        flag("return_predictions", return_predictions)
        call = Call(TrainerFn.PREDICTING, model, datamodule, {"predict": dataloaders}, ckpt_path)
        return self._run(call, weights_only, keep=self._keeps(return_predictions))

    def _keeps(self, return_predictions: bool | None) -> bool:
        if return_predictions and self.strategy.launches_workers:
            remedy = "They stay in the processes that made them: write them out in on_predict_batch_end."
            allowed = f"False with {type(self.strategy).__name__} in worker processes"
            raise ConfigurationError.about("return_predictions", return_predictions, allowed, remedy)
        return not self.strategy.launches_workers if return_predictions is None else return_predictions

    def _run(self, call: Call, weights_only: bool | None, keep: bool = False) -> Any:
        flag("weights_only", weights_only)
        module, datamodule, loaders = call.resolved(self)
        self._module = module
        path = call.checkpoint(self)

        given = (call.fn, module, datamodule, loaders, path, weights_only, keep)
        return self.strategy.launch(partial(self._execute, *given), self)

    def _execute(self, *given: Any) -> Any:
        from leyden.api.session import Session

        self.session = Session(self, *given)
        return execute(self.session)

    def __getstate__(self) -> dict[str, Any]:
        listeners = [(one.kind, one.name, one.target, one.origin) for one in self.listeners]
        return {**self.__dict__, "session": None, "fit_loop": None, "listeners": listeners}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from leyden.api.participants import listener
        from leyden.plugins.adapt import from_plugin

        self.__dict__.update(state)
        self.fit_loop = FitLoopView(self)
        self.listeners = [
            from_plugin(name, target, origin) if kind == "plugin" else listener(target, name, origin)
            for kind, name, target, origin in state["listeners"]
        ]

    def _reported(self, found: Any, verbose: bool, title: str) -> list[dict[str, float]]:
        results: list[dict[str, float]] = found or []
        if verbose and self.is_global_zero and any(results):
            from leyden.api.report import table

            print(table(results, title))
        return results

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def save_checkpoint(
        self, filepath: str | PathLike[str], weights_only: bool | None = None, storage_options: Any = None
    ) -> None:
        """Write a checkpoint of the running (or last) run.

        Args:
            filepath: the file.
            weights_only: leave out what only resuming needs.
            storage_options: handed to the checkpoint io.

        Raises:
            leyden.errors.DetachedError: nothing has run yet.
            leyden.errors.CheckpointError: it cannot be written.
        """
        from leyden.api import checkpoint

        session = self.session_to_save()
        if not isinstance(filepath, str | PathLike) or not str(filepath):
            raise ArgumentTypeError.about("save_checkpoint(filepath)", filepath, "a path")
        io = self.checkpoint_io()
        contents = checkpoint.dump(session, bool(weights_only))
        hooks, path = session.hooks, str(filepath)
        written = None
        if hooks.leyden_write_checkpoint:
            written = hooks.leyden_write_checkpoint(self, session.module, contents, path, storage_options)
        if written is None and (self.is_global_zero or io.every_rank):
            io.save_checkpoint(contents, filepath, storage_options)
        self.strategy.barrier("save_checkpoint")
        if hooks.leyden_checkpoint_saved or self.run_state.status != "running":
            io.wait()  # outside of a run nobody else would hear of an error
        if hooks.leyden_checkpoint_saved:
            hooks.leyden_checkpoint_saved(self, session.module, path, contents)

    def session_to_save(self) -> Session:
        """The running or last session; one that has not begun where the strategy was only given a module.

        Raises:
            leyden.errors.NoModuleError: there is no module.
        """
        if self.session is not None:
            return self.session
        if self.strategy.module is None:
            raise NoModuleError(
                "save_checkpoint needs a module: call it in or after fit, validate, test or predict."
            )
        from leyden.api.session import Session

        return Session(self, TrainerFn.FITTING, self.strategy.module, None, {}, None, None, False)

    def checkpoint_io(self) -> CheckpointIO:
        """The run's checkpoint io; the default one when none was given."""
        if self.strategy.checkpoint_io is None:
            from leyden.api.loading import default_io

            self.strategy.checkpoint_io = default_io()
        return self.strategy.checkpoint_io

    def announce_checkpoint(self, callback: Callback) -> None:
        """A checkpoint callback tells the loggers that it has saved."""
        session = self.session
        if session is not None and self.is_global_zero and session.hooks.leyden_checkpoint_tracked:
            self.checkpoint_io().wait()
            session.hooks.leyden_checkpoint_tracked(self, session.module, callback)

    # -- plugins -------------------------------------------------------------------------------------------------

    def add_listener(self, listener: Any) -> None:
        """Let an object listen to this Trainer's runs: its methods are named like hooks and take all parameters."""
        from leyden.api.participants import listener as adapted

        self.listeners.append(adapted(listener, f"{type(listener).__name__} {len(self.listeners)}"))

    def add_module_callbacks(self, callbacks: Any) -> bool:
        """Take the callbacks that ``configure_callbacks`` returned; one of the same type is replaced."""
        from leyden.api.assembly import checked_callbacks

        new = checked_callbacks(callbacks, "configure_callbacks")
        if new:
            replaced = [one for one in self.callbacks if any(isinstance(other, type(one)) for other in new)]
            if replaced:
                names = ", ".join(type(one).__name__ for one in replaced)
                rank_zero_info(f"configure_callbacks replaces {names} of the Trainer.")
            self.callbacks = ordered([one for one in self.callbacks if one not in replaced] + new)
        for callback in self.callbacks:
            if self.session is not None:
                callback.log, callback.log_dict = self.session.module.log, self.session.module.log_dict
        return bool(new)

    def distributions_in_use(self, session: Session) -> list[tuple[str, str]]:
        """Distribution and version of every component, callback, logger and hook plugin of a run."""
        from leyden.plugins.catalogue import catalogue

        found = catalogue()
        taking = [
            self.accelerator,
            self.strategy,
            self.strategy.precision,
            self.strategy.checkpoint_io,
            session.step,
        ]
        taking += [*self.callbacks, *self.loggers, *(one.target for one in session.manager.participants)]
        entries = [found.owner_of_object(one) for one in taking if one is not None]
        pairs = [(one.distribution, one.version) for one in entries if one is not None]
        pairs += [
            (name, version)
            for name, _, version in (one.origin.partition(" ") for one in session.manager.participants)
            if version
        ]
        return sorted({(KERNEL, __version__), *pairs})

    # -- conveniences --------------------------------------------------------------------------------------------

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print on rank zero alone; a progress bar prints above itself."""
        if self.is_global_zero:
            bar = self.progress_bar_callback
            (bar.print if bar is not None and bar.is_enabled else print)(*args, **kwargs)

    def export(self, path: str | PathLike[str], format: str, sample: Any = None, **options: Any) -> Any:
        """Export the module of the running (or last) run, verified, and return the files.

        Args:
            path: the main file.
            format: an installed exporter, e.g. ``"onnx"``.
            sample: an input of ``forward``; ``example_input_array`` when ``None``.
            options: the exporter's own.

        Raises:
            leyden.errors.DetachedError: nothing has run yet.
            leyden.errors.ExportMismatchError: what was written does not compute what the module computes.
        """
        from leyden.api.export import export

        module = self.running.module
        return export(module, path, format, sample, options, trainer=self)

    @contextmanager
    def init_module(self, empty_init: bool | None = None) -> Iterator[None]:
        """Create modules as the strategy and the precision want their parameters."""
        with self.strategy.init_context(empty_init):
            yield
