"""Lightning's loop progress, written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.kernel.state import Point

if TYPE_CHECKING:
    from leyden.api.session import Session


def _tracked(ready: int, completed: int | None = None, *, started: bool = True) -> dict[str, int]:
    done = ready if completed is None else completed
    return {"ready": ready, **({"started": ready} if started else {}), "processed": ready, "completed": done}


def _counts(total: dict[str, int], current: dict[str, int]) -> dict[str, Any]:
    return {"total": total, "current": current}


def _evaluation() -> dict[str, Any]:
    return {"state_dict": {}, "batch_progress": {**_counts(_tracked(0), _tracked(0)), "is_last_batch": False}}


def _stepped(count: int) -> dict[str, int]:
    return {"ready": count, "completed": count}


def loops_state(session: Session) -> dict[str, Any]:
    """The ``loops`` key of Lightning's format for the counters of a session."""
    counters, state = session.state.counters, session.state
    ended = state.point is Point.EPOCH_END
    running = state.point is not Point.EPOCH_START
    seen = counters.epoch + (1 if running else 0)
    unfinished = 1 if state.point is Point.BATCH_END else 0
    schedulers = session.step.scheduler_steps if session.step else 0
    manual = not getattr(session.module, "automatic_optimization", True)
    steps = counters.optimizer_steps
    automatic = 0 if manual else steps
    batches = {
        **_counts(
            _tracked(counters.batches, counters.batches - unfinished),
            _tracked(counters.batch, counters.batch - unfinished),
        ),
        "is_last_batch": state.is_last_batch,
    }
    epoch = {
        "ready": seen,
        "started": seen,
        "processed": seen if ended else counters.epoch,
        "completed": counters.epoch,
    }
    zero = {"ready": automatic, "started": automatic, "completed": automatic}
    prefix = "epoch_loop"
    fit = {
        "state_dict": {},
        f"{prefix}.state_dict": {"_batches_that_stepped": counters.updates},
        f"{prefix}.batch_progress": batches,
        f"{prefix}.scheduler_progress": _counts(_stepped(schedulers), _stepped(schedulers)),
        f"{prefix}.automatic_optimization.state_dict": {},
        f"{prefix}.automatic_optimization.optim_progress": {
            "optimizer": {
                "step": _counts(_stepped(automatic), _stepped(automatic)),
                "zero_grad": _counts(zero, zero),
            }
        },
        f"{prefix}.manual_optimization.state_dict": {},
        f"{prefix}.manual_optimization.optim_step_progress": _counts(
            _stepped(steps if manual else 0), _stepped(steps if manual else 0)
        ),
        f"{prefix}.val_loop.state_dict": {},
        f"{prefix}.val_loop.batch_progress": _evaluation()["batch_progress"],
        "epoch_progress": _counts(epoch, dict(epoch)),
    }
    return {
        "fit_loop": fit,
        "validate_loop": _evaluation(),
        "test_loop": _evaluation(),
        "predict_loop": {"state_dict": {}, "batch_progress": _counts(_tracked(0), _tracked(0))},
    }


def places(loaders: dict[str, Any]) -> list[Any]:
    """The states of the training loaders that have any, for the key ``combined_loader`` of Lightning's format."""
    source = loaders["train"]["source"] if "train" in loaders else {}
    return [part["loader"] for part in source.get("parts", [source]) if part.get("loader") is not None]


def read_loops(session: Session, checkpoint: dict[str, Any]) -> None:
    """Take the counters from a file that Lightning wrote."""
    counters, state = session.state.counters, session.state
    fit = checkpoint.get("loops", {}).get("fit_loop")
    if fit is None:
        counters.epoch, counters.optimizer_steps = int(checkpoint["epoch"]), int(checkpoint["global_step"])
        return
    session.data.saved = {"places": fit.get("state_dict", {}).get("combined_loader", [])}
    batches, epochs = fit["epoch_loop.batch_progress"], fit["epoch_progress"]["current"]
    steps = fit["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]["step"]["total"]["completed"]
    manual = fit["epoch_loop.manual_optimization.optim_step_progress"]["total"]["completed"]
    counters.optimizer_steps = int(steps or manual)
    counters.updates = int(fit["epoch_loop.state_dict"].get("_batches_that_stepped", 0))
    counters.batches = int(batches["total"]["processed"])
    counters.epoch = int(epochs["completed"])
    state.is_last_batch = bool(batches["is_last_batch"])
    running = epochs["ready"] > epochs["completed"] or epochs["processed"] > epochs["completed"]
    counters.batch = int(batches["current"]["processed"]) if running else 0
    if not running:
        return
    ended = epochs["processed"] > epochs["completed"]
    state.point = Point.EPOCH_END if ended else Point.BATCH_END if counters.batch else Point.EPOCH_START
    if state.point is Point.BATCH_END and batches["current"]["completed"] == counters.batch:
        state.point = Point.VALIDATED  # saved in or after the validation of that batch
