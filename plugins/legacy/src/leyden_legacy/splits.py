"""Batches cut along time, for truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from leyden.errors import ConfigurationError


def split(module: Any, batch: Any, steps: int) -> list[Any]:
    """Cut a batch into pieces of ``steps`` time steps; a module's ``tbptt_split_batch`` decides, if it has one.

    Args:
        module: the module.
        batch: a tuple or list of tensors (batch, time, …) and of sequences of sequences; other items are repeated.
        steps: time steps a piece; the last one may be shorter.

    Raises:
        leyden.errors.ConfigurationError: the items have no time dimension, or not the same.
    """
    own = getattr(module, "tbptt_split_batch", None)
    if own is not None:
        return list(own(batch, steps))
    if not isinstance(batch, tuple | list):
        raise ConfigurationError.about("the batch", type(batch), "a tuple or list with truncated_bptt_steps")
    lengths = {len(one[0]) for one in batch if _has_time(one)}
    if len(lengths) != 1:
        raise ConfigurationError(
            f"truncated_bptt_steps={steps} is not possible: the batch's items have {sorted(lengths)} time steps. "
            "Override tbptt_split_batch(batch, split_size)."
        )
    return [[_piece(one, at, at + steps) for one in batch] for at in range(0, lengths.pop(), steps)]


def _has_time(item: Any) -> bool:
    if isinstance(item, Tensor):
        return item.ndim > 1
    return isinstance(item, Sequence) and not isinstance(item, str) and len(item) > 0


def _piece(item: Any, start: int, end: int) -> Any:
    if not _has_time(item):
        return item
    return item[:, start:end] if isinstance(item, Tensor) else [one[start:end] for one in item]
