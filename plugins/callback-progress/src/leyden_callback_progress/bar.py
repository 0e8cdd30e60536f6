"""The base of all progress bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.api.warn import warn
from leyden.errors import NoRunError

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class ProgressBar(Callback):
    """Base of progress bars: knows how many batches there are and which metrics to show, and draws nothing.

    Subclass it, override hooks, and call ``super()`` in ``setup``. On ranks other than zero it is disabled.
    """

    def __init__(self) -> None:
        self._trainer: Trainer | None = None
        self._enabled = True
        self._current_eval_dataloader_idx: int | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._trainer = trainer
        if not trainer.is_global_zero:
            self.disable()

    @property
    def trainer(self) -> Trainer:
        """The Trainer that shows this bar.

        Raises:
            leyden.errors.NoRunError: no run has begun.
        """
        if self._trainer is None:
            raise NoRunError(
                f"{type(self).__name__} belongs to no run yet. Its trainer is known from setup on."
            )
        return self._trainer

    def disable(self) -> None:
        """Show nothing until :meth:`enable` is called."""
        self._enabled = False

    def enable(self) -> None:
        """Show progress again."""
        self._enabled = True

    @property
    def is_enabled(self) -> bool:
        """Whether the bar shows anything."""
        return self._enabled

    @property
    def is_disabled(self) -> bool:
        """Whether the bar shows nothing."""
        return not self.is_enabled

    @property
    def sanity_check_description(self) -> str:
        """The text beside the bar during the sanity check."""
        return "Sanity Checking"

    @property
    def train_description(self) -> str:
        """The text beside the bar before the first epoch."""
        return "Training"

    @property
    def validation_description(self) -> str:
        """The text beside the bar during validation."""
        return "Validation"

    @property
    def test_description(self) -> str:
        """The text beside the bar during testing."""
        return "Testing"

    @property
    def predict_description(self) -> str:
        """The text beside the bar during prediction."""
        return "Predicting"

    @property
    def total_train_batches(self) -> float:
        """Training batches in the running epoch; ``inf`` when nobody knows."""
        trainer = self.trainer
        batches: float = trainer.num_training_batches
        if trainer.max_epochs == -1 and trainer.max_steps is not None and trainer.max_steps > 0:
            return min(batches, trainer.max_steps - trainer.global_step)
        return batches

    @property
    def total_val_batches_current_dataloader(self) -> float:
        """Validation batches of the running loader, in the sanity check those of the check."""
        trainer = self.trainer
        sanity = trainer.sanity_checking
        return self._of_loader(trainer.num_sanity_val_batches if sanity else trainer.num_val_batches)

    @property
    def total_test_batches_current_dataloader(self) -> float:
        """Test batches of the running loader."""
        return self._of_loader(self.trainer.num_test_batches)

    @property
    def total_predict_batches_current_dataloader(self) -> float:
        """Prediction batches of the running loader."""
        return self._of_loader(self.trainer.num_predict_batches)

    @property
    def total_val_batches(self) -> float:
        """Validation batches of all loaders; 0 in an epoch without validation."""
        trainer = self.trainer
        every = trainer.check_val_every_n_epoch
        if not trainer.enable_validation or (every is not None and (trainer.current_epoch + 1) % every):
            return 0
        return _total(trainer.num_val_batches)

    def has_dataloader_changed(self, dataloader_idx: int) -> bool:
        """Note the running loader; tell whether it is another one than at the last call."""
        before, self._current_eval_dataloader_idx = self._current_eval_dataloader_idx, dataloader_idx
        return before != dataloader_idx

    def reset_dataloader_idx_tracker(self) -> None:
        """Forget the running loader."""
        self._current_eval_dataloader_idx = None

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print as :func:`print` does, without disturbing the bar."""
        print(*args, **kwargs)

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """What is shown beside the training bar: ``v_num``, then what was logged with ``prog_bar=True``.

        Override it to show something else. It is called only when the bar is redrawn.
        """
        standard, logged = standard_metrics(trainer), trainer.progress_bar_metrics
        twice = standard.keys() & logged.keys()
        if twice:
            names = ", ".join(repr(one) for one in sorted(twice))
            warn(
                "bar-metric",
                f"The bar has a number of its own named {names}: what was logged takes its place.",
            )
        return {**standard, **logged}

    def _of_loader(self, batches: Any) -> float:
        if not isinstance(batches, list):
            return float(batches) if batches == float("inf") else int(batches)
        found: float = batches[self._current_eval_dataloader_idx or 0]
        return found


def _total(batches: Any) -> float:
    return sum(batches) if isinstance(batches, list) else batches


def standard_metrics(trainer: Trainer) -> dict[str, int | str]:
    """``v_num``: the loggers' version, of text its last four characters; nothing where there is none."""
    known = [one.version for one in trainer.loggers if one.version not in (None, "")]
    versions = list(dict.fromkeys(map(str, known)))
    if not versions:
        return {}
    if len(versions) == 1 and versions[0].isdigit():
        return {"v_num": int(versions[0])}
    return {"v_num": "_".join(versions)[-4:]}
