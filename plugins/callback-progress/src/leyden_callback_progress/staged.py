"""What bars that draw have in common: which stage is running, how far it is, and when to redraw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from leyden_callback_progress.bar import ProgressBar
from leyden_callback_progress.throttle import Throttle

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class StagedProgressBar(ProgressBar, ABC):
    """A progress bar that is told what to draw, and is asked seldom.

    Subclasses implement :meth:`open`, :meth:`restart`, :meth:`draw` and :meth:`close`. Stages are ``sanity``,
    ``train``, ``validation``, ``test`` and ``predict``; ``validation`` may stand inside ``train``. Metrics
    must be read in :meth:`draw` only, since reading them waits for the device.

    Args:
        throttle: decides when to redraw.

    Attributes:
        skipped: batches of the running epoch that an earlier run did; they do not count for the speed.
        plain: whether output goes where nothing can be redrawn, so that each drawing is a line that stays.
        epoch_throttle: decides at the end of an epoch, where that is not the matter of ``throttle``.
    """

    LINE_INTERVAL: ClassVar[float] = 30.0
    """Seconds between two lines of a plain output, at least."""
    EPOCH_INTERVAL: ClassVar[float] = 1.0
    """Seconds between the lines of two epochs' ends, at least."""
    numbers_one_loader: ClassVar[bool] = False
    """Whether a loader has its number beside the bar also where there is one alone."""
    opens_disabled: ClassVar[bool] = False
    """Whether bars are made, though not drawn, while this is disabled, so that programs can read them."""

    def __init__(self, throttle: Throttle) -> None:
        super().__init__()
        self.throttle = throttle
        self.plain = False
        self.epoch_throttle: Throttle | None = None
        self._interval = throttle.interval
        self._passes_begun = 0
        self._drawn: tuple[int, int] | None = None
        self._stages: list[str] = []
        self.skipped = 0
        self._train_n = 0
        self._eval_n = 0
        self._behind = False

    @abstractmethod
    def open(self, stage: str) -> None:
        """A stage begins."""

    @abstractmethod
    def restart(self, stage: str, description: str, total: float) -> None:
        """An epoch or a loader of a stage begins; ``total`` batches, ``inf`` when nobody knows."""

    @abstractmethod
    def draw(self, stage: str, n: int) -> None:
        """Show that ``n`` batches of a stage are done."""

    @abstractmethod
    def close(self, stage: str) -> None:
        """A stage has ended, perhaps with an exception."""

    def epoch_done(self, n: int) -> None:
        """A training epoch of ``n`` batches has ended; by default the bar is redrawn when that is due."""
        if (self.epoch_throttle or self.throttle).due(0):
            self.redraw("train", n)

    def writes_lines(self) -> bool:
        """Whether output goes where nothing can be redrawn; asked when a run begins."""
        return False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        plain = self.writes_lines()
        if plain and not self.plain:
            self._interval = self.throttle.interval
            self.throttle.interval = self.LINE_INTERVAL if self._interval else 0.0
            self.epoch_throttle = Throttle(self.EPOCH_INTERVAL)
        elif self.plain and not plain:
            self.throttle.interval, self.epoch_throttle = self._interval, None
        self.plain, self._drawn = plain, None
        if self.plain and self.epoch_throttle is not None:
            self.throttle.postpone()
            self.epoch_throttle.postpone()

    def batches_done(self, stage: str) -> int:
        """Batches that the running epoch, or the running loader of a stage, has done."""
        return self._train_n if stage == "train" else self._eval_n

    def redraw(self, stage: str, n: int) -> None:
        """Draw now, and count from now on."""
        if not self.is_enabled or stage not in self._stages:
            return
        if self.plain:
            if self._drawn == (self._passes_begun, n):
                return
            self._drawn = self._passes_begun, n
        began = self.throttle.clock()
        if stage == "validation" and self._behind and not self.plain:
            self.draw("train", self._train_n)
        self._behind = False
        self.draw(stage, n)
        self.throttle.drawn(began)
        if self.epoch_throttle is not None:
            self.epoch_throttle.postpone()

    def epoch_description(self, trainer: Trainer) -> str:
        """The text beside the training bar."""
        return f"Epoch {trainer.current_epoch}"

    @property
    def inside_fit(self) -> bool:
        """Whether the run is a fit."""
        return str(self.trainer.state.fn) == "fit"

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._close_all()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._close_all()

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._open("sanity")

    def on_sanity_check_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close("sanity")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._open("train")
        self._begin_epoch(trainer, trainer.run_state.counters.batch)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begin_epoch(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._train_n = n = batch_idx + 1
        if self.throttle.due(n):
            self.redraw("train", n)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.is_enabled:
            self.epoch_done(self._train_n)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.redraw("train", self._train_n)
        self._close("train")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self._open("validation")
            self._behind = "train" in self._stages

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.has_dataloader_changed(dataloader_idx):
            sanity = trainer.sanity_checking
            description = self.sanity_check_description if sanity else self.validation_description
            stage = "sanity" if sanity else "validation"
            self._begin_loader(stage, description, self.total_val_batches_current_dataloader)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._eval_n = n = batch_idx + 1
        if self.throttle.due(n):
            self.redraw("sanity" if trainer.sanity_checking else "validation", n)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.reset_dataloader_idx_tracker()
        if trainer.sanity_checking:
            return
        self._end_evaluation("validation")
        if self.inside_fit and self.throttle.due(0):
            self.redraw("train", self._train_n)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._open("test")

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.has_dataloader_changed(dataloader_idx):
            self._begin_loader("test", self.test_description, self.total_test_batches_current_dataloader)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._eval_n = n = batch_idx + 1
        if self.throttle.due(n):
            self.redraw("test", n)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.reset_dataloader_idx_tracker()
        self._end_evaluation("test")

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._open("predict")

    def on_predict_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if self.has_dataloader_changed(dataloader_idx):
            total = self.total_predict_batches_current_dataloader
            self._begin_loader("predict", self.predict_description, total)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._eval_n = n = batch_idx + 1
        if self.throttle.due(n):
            self.redraw("predict", n)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.reset_dataloader_idx_tracker()
        self._end_evaluation("predict")

    def _open(self, stage: str) -> None:
        if self.is_enabled or self.opens_disabled:
            self._eval_n = 0
            self._stages.append(stage)
            self.open(stage)

    def _close(self, stage: str) -> None:
        if stage in self._stages:
            self._stages.remove(stage)
            self.close(stage)

    def _close_all(self) -> None:
        for stage in list(reversed(self._stages)):
            self._close(stage)
        self.reset_dataloader_idx_tracker()

    def _begin_epoch(self, trainer: Trainer, skipped: int = 0) -> None:
        self._train_n = self.skipped = skipped
        self._passes_begun += 1
        if "train" in self._stages:
            self.restart("train", self.epoch_description(trainer), self.total_train_batches)

    def _begin_loader(self, stage: str, description: str, total: float) -> None:
        if stage in self._stages:
            self._passes_begun += 1
            several = self._loaders(stage) > 1 or self.numbers_one_loader
            index = self._current_eval_dataloader_idx
            self.restart(stage, f"{description} DataLoader {index}" if several else description, total)

    def _loaders(self, stage: str) -> int:
        short = {"sanity": "sanity_val", "validation": "val"}.get(stage, stage)
        batches = getattr(self.trainer, f"num_{short}_batches")
        return len(batches) if isinstance(batches, list) else 1

    def _end_evaluation(self, stage: str) -> None:
        if not self.inside_fit:
            self.redraw(stage, self._eval_n)
        self._close(stage)
