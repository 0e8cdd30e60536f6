"""W&B runs of this process: which is the logger's, and which may it begin."""

from __future__ import annotations

import os
import secrets
import string
import weakref
from typing import TYPE_CHECKING, Any

from leyden.api.warn import warn

if TYPE_CHECKING:
    from leyden_logger_wandb.logger import WandbLogger

OPENED: dict[str, weakref.ref[WandbLogger]] = {}
"""The loggers that began runs in this process, by the run's id."""

STEP, BATCH = "trainer/global_step", "trainer/batch"


def new_id() -> str:
    """An id as W&B makes them: eight letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def run_of(logger: WandbLogger, given: dict[str, Any], attach_id: str | None) -> Any:
    """The run that a logger writes to.

    It is, in this order, the one that another copy of the logger has open, a run of the program's own, which W&B calls
    the active one, that of the process that pickled the logger, or a new one.

    Args:
        logger: who asks.
        given: arguments of ``wandb.init``.
        attach_id: of the process that pickled the logger.
    """
    import wandb

    other = _owner(given["id"])
    if other is not None and other is not logger and other.opened is not None:
        return other.opened
    active = wandb.run
    if active is not None and active.id not in OPENED:
        warn(
            "wandb-reused",
            f"The program has the W&B run {active.id} open, and the logger writes into it. For a run of its own, call "
            "wandb.finish() before the logger is used.",
            stacklevel=5,
        )
        return active
    if active is not None and active.id == given["id"]:
        return active
    found = _attached(attach_id) or _begun(given, active)
    OPENED[found.id] = weakref.ref(logger)
    return found


def _owner(run_id: str | None) -> WandbLogger | None:
    known = OPENED.get(run_id) if run_id is not None else None
    return known() if known is not None else None


def _attached(attach_id: str | None) -> Any:
    if attach_id is None or not os.environ.get("WANDB_SERVICE"):
        return None
    from wandb.errors import UsageError
    from wandb.sdk import _attach

    try:
        return _attach(attach_id)
    except UsageError:  # that process is gone
        return None


def _begun(given: dict[str, Any], active: Any) -> Any:
    import wandb

    arguments = {key: one for key, one in given.items() if one is not None or key == "project"}
    if active is not None:
        owner = _owner(active.id)
        if owner is not None and not owner.finalized:
            arguments["reinit"] = "create_new"
        else:
            arguments["reinit"] = "finish_previous"
            if owner is not None:
                owner.closed()
    if given["dir"]:
        # W&B's process keeps the working directory in which it began, and W&B goes elsewhere where a folder is missing.
        arguments["dir"] = os.path.abspath(given["dir"])
        os.makedirs(arguments["dir"], exist_ok=True)
    run = wandb.init(**arguments)
    if given.get("sync_tensorboard"):
        run.define_metric("*", step_metric="global_step")
    else:
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP, step_sync=True)
    return run
