"""The epoch: one pass over the data of a stage."""

from __future__ import annotations

from typing import Any

from leyden.kernel.hookspecs._mark import spec


@spec()
def on_train_epoch_start(trainer: Any, pl_module: Any) -> None:
    """A training epoch begins.

    When: before its first batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_train_epoch_end(trainer: Any, pl_module: Any) -> None:
    """A training epoch has ended.

    When: after its last batch, and after the validation that its last batch made due.
    Order: callbacks that monitor nothing, the module, then monitoring callbacks.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_epoch_start(trainer: Any, pl_module: Any) -> None:
    """A validation epoch begins.

    When: before its first batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_epoch_end(trainer: Any, pl_module: Any) -> None:
    """A validation epoch has ended.

    When: after its last batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_epoch_start(trainer: Any, pl_module: Any) -> None:
    """A test epoch begins.

    When: before its first batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_epoch_end(trainer: Any, pl_module: Any) -> None:
    """A test epoch has ended.

    When: after its last batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_epoch_start(trainer: Any, pl_module: Any) -> None:
    """A prediction epoch begins.

    When: before its first batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_epoch_end(trainer: Any, pl_module: Any) -> None:
    """A prediction epoch has ended.

    When: after its last batch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """
