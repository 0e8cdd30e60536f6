"""Decisions that rank zero takes for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from leyden import Trainer

T = TypeVar("T")


def decided(trainer: Trainer, decide: Callable[[], T], otherwise: T) -> T:
    """Run a function on rank zero; what it returns or raises is returned or raised on every rank.

    Args:
        trainer: of the running run.
        decide: may look at files.
        otherwise: what the other ranks hold until they hear from rank zero.
    """
    outcome: tuple[T, Exception | None] = (otherwise, None)
    if trainer.is_global_zero:
        try:
            outcome = (decide(), None)
        except Exception as error:
            outcome = (otherwise, error)
    result: T
    result, failure = trainer.strategy.broadcast(outcome)
    if failure is not None:
        raise failure
    return result
