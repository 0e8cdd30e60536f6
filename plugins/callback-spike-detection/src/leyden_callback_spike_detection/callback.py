"""``SpikeDetection``: ends a fit when its loss jumps."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden.plugins.errors import shown

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

FILE = "skip_batches.json"


class TrainingSpikeException(RuntimeError):
    """The loss has jumped.

    Args:
        batch_idx: in this batch.
    """

    def __init__(self, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(f"Training spike detected in batch {batch_idx}", *args, **kwargs)
        self.batch_idx = batch_idx


class SpikeDetection(Callback):
    """Raises :class:`TrainingSpikeException` when the loss of a batch jumps, and writes which batches to leave out.

    A loss is a spike when it is worse than that of the batch before, and differs from the mean of the last ones by
    ``atol`` and by ``rtol`` times that mean, as far as they are given. To be left out are that batch, and the one
    before it, which made the weights. Looking at the loss waits for the device in each batch.

    Args:
        mode: whether a better loss is lower (``"min"``) or higher (``"max"``).
        window: the mean is that of so many batches.
        warmup: do not look at the first batches of an epoch.
        atol: the least difference.
        rtol: the least difference as a multiple of the mean.
        exclude_batches_path: the file (``….json``), or the folder for ``skip_batches.json``; the Trainer's
            ``default_root_dir`` by default.
        finite_only: NaN and infinity are spikes; else they do not count for the mean, and NaN is none.

    Attributes:
        bad_batches: indices of the batches to leave out.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        mode: Literal["min", "max"] = "min",
        window: int = 10,
        warmup: int = 1,
        atol: float | None = None,
        rtol: float | None = 2.0,
        exclude_batches_path: str | os.PathLike[str] | None = None,
        finite_only: bool = True,
    ) -> None:
        if mode not in ("min", "max"):
            raise ConfigurationError.about("mode", mode, "'min' or 'max'")
        if exclude_batches_path is not None and not isinstance(exclude_batches_path, str | os.PathLike):
            raise ArgumentTypeError.about("exclude_batches_path", exclude_batches_path, "a path, or None")
        if not isinstance(finite_only, bool):
            raise ArgumentTypeError.about("finite_only", finite_only, "True or False")
        self.mode = mode
        self.window = _count("window", window, 1)
        self.warmup = _count("warmup", warmup, 0)
        self.atol, self.rtol = _tolerance("atol", atol), _tolerance("rtol", rtol)
        self.exclude_batches_path = exclude_batches_path
        self.finite_only = finite_only
        self.last_val = 0.0
        self.bad_batches: list[int] = []
        self._values: deque[float] = deque(maxlen=window)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            self.last_val = 0.0
            self._values.clear()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        loss = _loss(outputs)
        if loss is None:  # the batch was left out
            return
        decide = trainer.strategy.reduce_boolean_decision
        if decide(batch_idx >= self.warmup and self._is_spike(loss), all=False):
            self._end(trainer, batch_idx)
        # where a spike is finite only, every process has seen a finite loss here
        if self.finite_only or decide(isfinite(loss), all=True):
            self._values.append(loss)
            self.last_val = loss

    def _is_spike(self, loss: float) -> bool:
        if self.finite_only and not isfinite(loss):
            return True
        change = loss - self.last_val
        if change <= 0 if self.mode == "min" else change >= 0:
            return False
        mean = sum(self._values) / len(self._values) if self._values else nan
        difference = abs(loss - mean)
        beyond = [self.atol is None or difference >= abs(self.atol)]
        beyond.append(self.rtol is None or difference >= abs(self.rtol * mean))
        return all(beyond)

    def _end(self, trainer: Trainer, batch_idx: int) -> None:
        self.bad_batches.extend(one for one in (batch_idx - 1, batch_idx) if one >= 0)
        if trainer.is_global_zero:
            path = path_of(self.exclude_batches_path, trainer)
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self.bad_batches, file, indent=4)
        raise TrainingSpikeException(batch_idx)

    def state_dict(self) -> dict[str, Any]:
        path = self.exclude_batches_path
        return {
            "last_val": self.last_val,
            "mode": self.mode,
            "warmup": self.warmup,
            "atol": self.atol,
            "rtol": self.rtol,
            "bad_batches": list(self.bad_batches),
            "bad_batches_path": None if path is None else os.fspath(path),
            "running": {"values": list(self._values)},
            "mean": {},
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # settings are those of the constructor: whoever resumes after a spike may want others
        self.last_val = state_dict["last_val"]
        self.bad_batches = list(state_dict["bad_batches"])
        self._values = deque(state_dict["running"].get("values", ()), maxlen=self.window)


def path_of(given: str | os.PathLike[str] | None, trainer: Trainer) -> str:
    """The file of the batches to leave out."""
    path = trainer.default_root_dir if given is None else os.fspath(given)
    return path if path.endswith(".json") else os.path.join(path, FILE)


def _loss(outputs: Any) -> float | None:
    if isinstance(outputs, Mapping):
        if not outputs:
            return None
        outputs = outputs.get("loss")
    if not isinstance(outputs, Tensor):
        raise UserCodeError(
            f"SpikeDetection needs the loss: training_step returned {shown(outputs)}; allowed are a tensor, or a "
            "mapping with a tensor under 'loss'."
        )
    return float(outputs)


def _count(name: str, value: Any, least: int) -> int:
    allowed = f"an int of at least {least}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError.about(name, value, allowed)
    if value < least:
        raise ConfigurationError.about(name, value, allowed)
    return value


def _tolerance(name: str, value: Any) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ArgumentTypeError.about(name, value, "a number, or None")
    return value
