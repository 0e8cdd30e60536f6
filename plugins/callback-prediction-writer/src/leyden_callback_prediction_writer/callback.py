"""``BasePredictionWriter``: hands predictions to methods that write them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from leyden import Callback
from leyden.api.transfer import map_nested
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden.plugins.errors import did_you_mean
from leyden_callback_prediction_writer.recording import Recording

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class WriteInterval(StrEnum):
    """When predictions are written."""

    BATCH = "batch"
    EPOCH = "epoch"
    BATCH_AND_EPOCH = "batch_and_epoch"

    @property
    def on_batch(self) -> bool:
        """After each batch."""
        return self is not WriteInterval.EPOCH

    @property
    def on_epoch(self) -> bool:
        """At the end."""
        return self is not WriteInterval.BATCH


class BasePredictionWriter(Callback):
    """Calls :meth:`write_on_batch_end` and :meth:`write_on_epoch_end`, of which one overrides what one needs.

    ``trainer.predict(…, return_predictions=False)`` keeps nothing beside; with ``"epoch"``, the writer itself keeps the
    predictions until the end, on the CPU. Every process writes its own share.

    Args:
        write_interval: ``"batch"``, ``"epoch"`` or ``"batch_and_epoch"``.

    Attributes:
        interval: as a :class:`WriteInterval`.

    Raises:
        leyden.errors.ConfigurationError: there is no such interval; in ``predict``, a method that it calls is not
            overridden.
    """

    def __init__(self, write_interval: Literal["batch", "epoch", "batch_and_epoch"] = "batch") -> None:
        self.interval = _interval(write_interval)
        self._recordings: list[Recording] = []
        self._predictions: list[list[Any]] = []
        self._indices: list[list[Any]] = []

    # -- what users override -------------------------------------------------------------------------------------

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Any,
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the predictions of one batch.

        Args:
            trainer: the Trainer.
            pl_module: the module.
            prediction: what ``predict_step`` returned.
            batch_indices: the batch's samples as indices of the dataset; empty where they are not known.
            batch: the batch.
            batch_idx: its number in the loader.
            dataloader_idx: the loader's number.
        """
        raise NotImplementedError

    def write_on_epoch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        predictions: Sequence[Any],
        batch_indices: Sequence[Any],
    ) -> None:
        """Write all predictions.

        Args:
            trainer: the Trainer.
            pl_module: the module.
            predictions: of each batch; with several loaders, a list for each of them.
            batch_indices: of each batch, in a list for each loader.
        """
        raise NotImplementedError

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage != "predict":
            return
        for needed, method in (
            (self.interval.on_batch, "write_on_batch_end"),
            (self.interval.on_epoch, "write_on_epoch_end"),
        ):
            if needed and getattr(type(self), method) is getattr(BasePredictionWriter, method):
                raise UserCodeError(
                    f"{type(self).__name__}(write_interval={str(self.interval)!r}) does not override {method}, which "
                    "writes."
                )

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loaders = trainer.running.data.evaluation["predict"]
        self._recordings = [Recording(one.source) for one in loaders]
        self._predictions, self._indices = [[] for _ in loaders], [[] for _ in loaders]

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        indices = self._recordings[dataloader_idx].take()
        if self.interval.on_epoch:
            kept = map_nested(outputs, lambda value: isinstance(value, Tensor), lambda value: value.cpu())
            self._predictions[dataloader_idx].append(kept)
            if indices:
                self._indices[dataloader_idx].append(indices)
        if self.interval.on_batch:
            self.write_on_batch_end(trainer, pl_module, outputs, indices, batch, batch_idx, dataloader_idx)

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.interval.on_epoch:
            found = self._predictions[0] if len(self._predictions) == 1 else self._predictions
            self.write_on_epoch_end(trainer, pl_module, found, self._indices)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        for one in self._recordings:
            one.end()
        self._recordings, self._predictions, self._indices = [], [], []


def _interval(value: Any) -> WriteInterval:
    allowed = "'batch', 'epoch' or 'batch_and_epoch'"
    if not isinstance(value, str):
        raise ArgumentTypeError.about("write_interval", value, allowed)
    if value not in list(WriteInterval):
        hint = did_you_mean(value, map(str, WriteInterval))
        raise ConfigurationError.about("write_interval", value, allowed, hint)
    return WriteInterval(value)
