"""``LambdaCallback``: a callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leyden import Callback
from leyden.errors import ArgumentTypeError
from leyden.kernel.events import EVENTS
from leyden.plugins.errors import did_you_mean

Hook = Callable[..., Any]


class LambdaCallback(Callback):
    """Calls functions in hooks; each takes what a callback's method of that name takes, without ``self``.

    Args:
        setup: called in ``setup``, with ``(trainer, pl_module, stage)``; likewise the others.
        others: functions for Leyden's further hooks, by name.

    Raises:
        leyden.errors.ArgumentTypeError: there is no hook of a name, or its function cannot be called.
    """

    def __init__(
        self,
        setup: Hook | None = None,
        teardown: Hook | None = None,
        on_fit_start: Hook | None = None,
        on_fit_end: Hook | None = None,
        on_sanity_check_start: Hook | None = None,
        on_sanity_check_end: Hook | None = None,
        on_train_batch_start: Hook | None = None,
        on_train_batch_end: Hook | None = None,
        on_train_epoch_start: Hook | None = None,
        on_train_epoch_end: Hook | None = None,
        on_validation_epoch_start: Hook | None = None,
        on_validation_epoch_end: Hook | None = None,
        on_test_epoch_start: Hook | None = None,
        on_test_epoch_end: Hook | None = None,
        on_validation_batch_start: Hook | None = None,
        on_validation_batch_end: Hook | None = None,
        on_test_batch_start: Hook | None = None,
        on_test_batch_end: Hook | None = None,
        on_train_start: Hook | None = None,
        on_train_end: Hook | None = None,
        on_validation_start: Hook | None = None,
        on_validation_end: Hook | None = None,
        on_test_start: Hook | None = None,
        on_test_end: Hook | None = None,
        on_exception: Hook | None = None,
        on_save_checkpoint: Hook | None = None,
        on_load_checkpoint: Hook | None = None,
        on_before_backward: Hook | None = None,
        on_after_backward: Hook | None = None,
        on_before_optimizer_step: Hook | None = None,
        on_before_zero_grad: Hook | None = None,
        on_predict_start: Hook | None = None,
        on_predict_end: Hook | None = None,
        on_predict_batch_start: Hook | None = None,
        on_predict_batch_end: Hook | None = None,
        on_predict_epoch_start: Hook | None = None,
        on_predict_epoch_end: Hook | None = None,
        **others: Hook | None,
    ) -> None:
        given: dict[str, Any] = {
            name: one for name, one in locals().items() if name not in ("self", "others")
        }
        for name, function in {**given, **others}.items():
            if name not in EVENTS:
                hint = did_you_mean(name, EVENTS)
                raise ArgumentTypeError(
                    f"LambdaCallback({name}=…): there is no hook of this name. {hint}".rstrip()
                )
            if function is not None and not callable(function):
                raise ArgumentTypeError.about(name, function, "a function, or None")
            if function is not None:
                setattr(self, name, function)
