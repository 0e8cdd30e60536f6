"""The searches as callbacks: they run when a call begins, and the call goes on with what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from leyden import Callback
from leyden_tuner import batch_search, lr_search
from leyden_tuner.arguments import choice, count, flag, number, rates, text
from leyden_tuner.result import LRFinder

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class LearningRateFinder(Callback):
    """Searches for an initial learning rate when a fit begins, and goes on with it.

    The module is trained with rising rates; afterwards weights, optimizer, counters and random generators are what
    they were, and the attribute and the optimizer have the rate where the loss fell most steeply. To search at other
    times, override a hook and call :meth:`lr_find` in it.

    Args:
        min_lr: the first rate.
        max_lr: the last rate.
        num_training_steps: how many rates to try.
        mode: let the rate rise ``"exponential"`` or ``"linear"``.
        early_stop_threshold: end the search when the smoothed loss exceeds so many times the lowest; ``None`` never.
        update_attr: set the attribute and the optimizer's rate to the suggestion.
        attr_name: the attribute of the module, the data module or their ``hparams``; ``lr`` or ``learning_rate``
            when empty.

    Attributes:
        optimal_lr: what was found, an :class:`~leyden_tuner.LRFinder`; ``None`` before.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    SUPPORTED_MODES: ClassVar[tuple[str, ...]] = ("linear", "exponential")

    def __init__(
        self,
        min_lr: float = 1e-8,
        max_lr: float = 1,
        num_training_steps: int = 100,
        mode: str = "exponential",
        early_stop_threshold: float | None = 4.0,
        update_attr: bool = True,
        attr_name: str = "",
    ) -> None:
        self._mode = choice("mode", mode, self.SUPPORTED_MODES)
        self._min_lr, self._max_lr = rates(min_lr, max_lr, self._mode)
        self._num_training_steps = count("num_training_steps", num_training_steps)
        self._early_stop_threshold = (
            None
            if early_stop_threshold is None
            else number("early_stop_threshold", early_stop_threshold, "a number above 0, or None", 1e-12)
        )
        self._update_attr = flag("update_attr", update_attr)
        self._attr_name = text("attr_name", attr_name)
        self.optimal_lr: LRFinder | None = None

    def lr_find(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search on the running fit.

        Raises:
            leyden.errors.ConfigurationError: there is not exactly one optimizer, or nobody has the attribute.
        """
        session = trainer.running
        attribute = (
            lr_search.wanted(pl_module, session.datamodule, self._attr_name) if self._update_attr else None
        )
        finder = LRFinder(self._mode, self._min_lr, self._max_lr, self._num_training_steps)
        self.optimal_lr = lr_search.search(session, finder, self._early_stop_threshold, attribute)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search."""
        self.lr_find(trainer, pl_module)


class BatchSizeFinder(Callback):
    """Searches for the largest batch size that fits into memory when a call begins, and goes on with it.

    Afterwards everything but the attribute is what it was. The loaders come from the hooks of the module or data
    module, which use the attribute. To search at other times, override a hook and call :meth:`scale_batch_size` in it.

    Args:
        mode: ``"power"`` doubles the size until it does not fit; ``"binsearch"`` then searches between the last two.
        steps_per_trial: batches to run with each size.
        init_val: the first size.
        max_trials: how many sizes to try.
        batch_arg_name: the attribute of the module, the data module or their ``hparams``.
        margin: the part, from 0 to less than 1, by which ``"binsearch"`` reduces the size that it has found.
        max_val: the largest size.

    Attributes:
        optimal_batch_size: what was found; ``init_val`` before.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    SUPPORTED_MODES: ClassVar[tuple[str, ...]] = ("power", "binsearch")

    def __init__(
        self,
        mode: str = "power",
        steps_per_trial: int = 3,
        init_val: int = 2,
        max_trials: int = 25,
        batch_arg_name: str = "batch_size",
        margin: float = 0.05,
        max_val: int = 8192,
    ) -> None:
        self._plan = batch_search.Plan(
            mode=choice("mode", mode, self.SUPPORTED_MODES),
            steps_per_trial=count("steps_per_trial", steps_per_trial),
            init_val=count("init_val", init_val),
            max_trials=count("max_trials", max_trials),
            batch_arg_name=text("batch_arg_name", batch_arg_name),
            margin=number("margin", margin, "a number from 0 to less than 1", 0.0, 1.0),
            max_val=count("max_val", max_val),
        )
        self.optimal_batch_size: int | None = self._plan.init_val

    def scale_batch_size(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search on the running call.

        Raises:
            leyden.errors.ConfigurationError: nobody has the attribute, the loaders were passed to the call, or there
                are several processes.
        """
        self.optimal_batch_size = batch_search.BatchSizeSearch(trainer.running, self._plan).run()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search."""
        self.scale_batch_size(trainer, pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search, unless the validation is part of a fit."""
        if trainer.state.fn == "validate":
            self.scale_batch_size(trainer, pl_module)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search."""
        self.scale_batch_size(trainer, pl_module)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Search."""
        self.scale_batch_size(trainer, pl_module)
