"""The checkpoint: assembling, writing and reading the state of a run."""

from __future__ import annotations

from typing import Any

from leyden.kernel.hookspecs._mark import spec


@spec()
def on_save_checkpoint(trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
    """A checkpoint was assembled and may be added to.

    When: before it is written; not fired for callbacks when only weights are saved.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_load_checkpoint(trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
    """A checkpoint was read.

    When: before states are given back.
    Order: callbacks.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec(firstresult=True)
def leyden_write_checkpoint(
    trainer: Any, pl_module: Any, checkpoint: dict[str, Any], path: str, storage_options: Any
) -> Any:
    """Who writes this checkpoint?

    When: once a save; the run's checkpoint io answers when nobody else does.
    Order: as registered.
    Ranks: all.
    Returns: something other than ``None`` when it was written.
    Since: 0.1.
    """


@spec(firstresult=True)
def leyden_read_checkpoint(
    trainer: Any, pl_module: Any, path: str, map_location: Any, weights_only: bool
) -> Any:
    """Who reads this checkpoint?

    When: once a load; the run's checkpoint io answers when nobody else does.
    Order: as registered.
    Ranks: all.
    Returns: the checkpoint.
    Since: 0.1.
    """


@spec()
def leyden_checkpoint_saved(trainer: Any, pl_module: Any, path: str, checkpoint: dict[str, Any]) -> None:
    """A checkpoint is complete.

    When: after the file stands under its name.
    Order: as registered.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def leyden_checkpoint_tracked(trainer: Any, pl_module: Any, checkpoint_callback: Any) -> None:
    """A checkpoint callback chose what it keeps.

    When: after a checkpoint callback's save; loggers may upload it.
    Order: loggers in list order.
    Ranks: zero.
    Returns: nothing.
    Since: 0.1.
    """
