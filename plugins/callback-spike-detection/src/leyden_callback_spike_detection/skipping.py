"""``SkipBatches``: leaves out the batches that ``SpikeDetection`` named."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_callback_spike_detection.callback import path_of

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class SkipBatches(Callback):
    """Does not train with batches whose indices stand in a file, as if ``training_step`` had returned ``None``.

    They are left out of the epoch with which the fit begins or goes on, which is that of the spike where a fit
    resumes: after shuffling, the same indices are other samples. Without a file, nothing is left out.

    Args:
        path: the file (``….json``), or the folder of ``skip_batches.json``; the Trainer's ``default_root_dir`` by
            default.
        every_epoch: leave them out of every epoch, for data in a fixed order.

    Attributes:
        skipped: the batches left out so far, as (epoch, index).

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible, or the file holds something else.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, every_epoch: bool = False) -> None:
        if path is not None and not isinstance(path, str | os.PathLike):
            raise ArgumentTypeError.about("path", path, "a path, or None")
        if not isinstance(every_epoch, bool):
            raise ArgumentTypeError.about("every_epoch", every_epoch, "True or False")
        self.path, self.every_epoch = path, every_epoch
        self.skipped: list[tuple[int, int]] = []
        self._excluded: frozenset[int] = frozenset()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            self.skipped = []
            self._excluded = _read(path_of(self.path, trainer))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._excluded:
            return
        step, excluded, skipped = trainer.running.step, self._excluded, self.skipped
        train = step.training_step

        def unless_excluded(batch: Any, batch_idx: int) -> Any:
            if batch_idx not in excluded:
                return train(batch, batch_idx)
            skipped.append((trainer.current_epoch, batch_idx))
            return None

        step.training_step = unless_excluded
        self._train = train
        rank_zero_info(f"Batches that are left out: {', '.join(map(str, sorted(excluded)))}.")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._excluded and not self.every_epoch:
            trainer.running.step.training_step = self._train
            self._excluded = frozenset()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._excluded = frozenset()
        self.__dict__.pop("_train", None)


def _read(path: str) -> frozenset[int]:
    if not os.path.exists(path):
        return frozenset()
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except ValueError as error:
        raise ConfigurationError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, list) or any(isinstance(one, bool) or not isinstance(one, int) for one in found):
        raise ConfigurationError(f"{path} holds {type(found).__name__}; allowed is a list of batch indices.")
    return frozenset(found)
