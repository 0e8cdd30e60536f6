"""The step: one batch."""

from __future__ import annotations

from typing import Any

from leyden.kernel.hookspecs._mark import spec


@spec()
def on_train_batch_start(trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> Any:
    """A training batch is on its device.

    When: before ``training_step``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: -1 ends the epoch at once.
    Since: 0.1.
    """


@spec()
def on_train_batch_end(trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
    """A training batch is done.

    When: after its step (and update, when one was due).
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_batch_start(
    trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int
) -> None:
    """A validation batch is on its device.

    When: before ``validation_step``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_batch_end(
    trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
) -> None:
    """A validation batch is done.

    When: after its step.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_batch_start(
    trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int
) -> None:
    """A test batch is on its device.

    When: before ``test_step``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_batch_end(
    trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
) -> None:
    """A test batch is done.

    When: after its step.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_batch_start(
    trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int
) -> None:
    """A prediction batch is on its device.

    When: before ``predict_step``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_batch_end(
    trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
) -> None:
    """A prediction batch is done.

    When: after its step.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_before_zero_grad(trainer: Any, pl_module: Any, optimizer: Any) -> None:
    """Gradients are about to be released.

    When: before ``optimizer.zero_grad``, after ``training_step``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_before_backward(trainer: Any, pl_module: Any, loss: Any) -> None:
    """The loss is about to be differentiated.

    When: before ``backward``; the loss is already divided by the accumulation factor.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_after_backward(trainer: Any, pl_module: Any) -> None:
    """Gradients are there, still scaled under fp16.

    When: after ``backward``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_before_optimizer_step(trainer: Any, pl_module: Any, optimizer: Any) -> None:
    """Gradients are unscaled and not yet clipped.

    When: before clipping and ``optimizer.step``.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def leyden_update_end(trainer: Any, pl_module: Any, batch_idx: int) -> None:
    """Parameters were updated.

    When: after the optimizer (and its scheduler) stepped, before ``on_train_batch_end``.
    Order: as registered.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """
