"""``EMAWeightAveraging``: an exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.swa_utils import get_ema_avg_fn

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_callback_weight_averaging.averaging import WeightAveraging


class EMAWeightAveraging(WeightAveraging):
    """Averages weights with ``average = decay * average + (1 - decay) * weights`` after optimizer steps.

    Args:
        device: as for :class:`WeightAveraging`; so ``use_buffers``.
        use_buffers: average the buffers, too.
        decay: how much of the average stays at an update, from 0 to 1.
        update_every_n_steps: update after each optimizer step whose index, counted from 0, is a multiple of this; 0 for
            none.
        update_starting_at_step: the first step after which to update.
        update_starting_at_epoch: from this epoch on (counted from 0), update at the end of each epoch as well.
        kwargs: none; ``AveragedModel`` gets its averaging function from ``decay``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        device: torch.device | str | int | None = None,
        use_buffers: bool = True,
        decay: float = 0.999,
        update_every_n_steps: int = 1,
        update_starting_at_step: int | None = None,
        update_starting_at_epoch: int | None = None,
        **kwargs: Any,
    ) -> None:
        if set(kwargs) & {"avg_fn", "multi_avg_fn"}:
            raise ConfigurationError(
                "EMAWeightAveraging averages as decay says. For another function, take WeightAveraging."
            )
        super().__init__(device, use_buffers, **kwargs)
        if isinstance(decay, bool) or not isinstance(decay, int | float):
            raise ArgumentTypeError.about("decay", decay, "a number from 0 to 1")
        if not 0 <= decay <= 1:
            raise ConfigurationError.about("decay", decay, "a number from 0 to 1")
        self.decay = decay
        self.update_every_n_steps = _count("update_every_n_steps", update_every_n_steps)
        self.update_starting_at_step = _maybe("update_starting_at_step", update_starting_at_step)
        self.update_starting_at_epoch = _maybe("update_starting_at_epoch", update_starting_at_epoch)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        if step_idx is not None:
            every, first = self.update_every_n_steps, self.update_starting_at_step or 0
            return step_idx >= first and every > 0 and step_idx % every == 0
        first_epoch = self.update_starting_at_epoch
        return epoch_idx is not None and first_epoch is not None and epoch_idx >= first_epoch

    def _averaging(self) -> dict[str, Any]:
        return {"avg_fn": get_ema_avg_fn(self.decay)}  # made here: it cannot be pickled


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArgumentTypeError.about(name, value, "an int of at least 0")
    if value < 0:
        raise ConfigurationError.about(name, value, "an int of at least 0")
    return value


def _maybe(name: str, value: Any) -> int | None:
    return None if value is None else _count(name, value)
