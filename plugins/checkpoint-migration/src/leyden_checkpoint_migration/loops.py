"""What old files hold of the loops' progress."""

from __future__ import annotations

from typing import Any

_RENAMED = {
    "batch_loop.manual_loop.state_dict": "manual_optimization.state_dict",
    "batch_loop.manual_loop.optim_step_progress": "manual_optimization.optim_step_progress",
    "batch_loop.optimizer_loop.state_dict": "automatic_optimization.state_dict",
    "batch_loop.optimizer_loop.optim_progress": "automatic_optimization.optim_progress",
}
"""Parts of the epoch loop whose names changed with 2.0."""


def _counts(*names: str) -> dict[str, dict[str, int]]:
    return {"total": dict.fromkeys(names, 0), "current": dict.fromkeys(names, 0)}


def _batches() -> dict[str, Any]:
    return {**_counts("ready", "started", "processed", "completed"), "is_last_batch": False}


def _unknown() -> dict[str, Any]:
    """The progress of a fit loop of 1.6 that has done nothing."""
    return {
        "state_dict": {},
        "epoch_loop.state_dict": {},
        "epoch_loop.batch_progress": _batches(),
        "epoch_loop.scheduler_progress": _counts("ready", "completed"),
        "epoch_loop.batch_loop.state_dict": {},
        "epoch_loop.batch_loop.optimizer_loop.state_dict": {},
        "epoch_loop.batch_loop.optimizer_loop.optim_progress": {
            "optimizer": {
                "step": _counts("ready", "completed"),
                "zero_grad": _counts("ready", "started", "completed"),
            },
            "optimizer_position": 0,
        },
        "epoch_loop.batch_loop.manual_loop.state_dict": {},
        "epoch_loop.batch_loop.manual_loop.optim_step_progress": _counts("ready", "completed"),
        "epoch_loop.val_loop.state_dict": {},
        "epoch_loop.val_loop.dataloader_progress": _counts("ready", "completed"),
        "epoch_loop.val_loop.epoch_loop.state_dict": {},
        "epoch_loop.val_loop.epoch_loop.batch_progress": _batches(),
        "epoch_progress": _counts("ready", "started", "processed", "completed"),
    }


def add_progress(content: dict[str, Any]) -> None:
    """Before 1.6 progress was not, or not entirely, kept by the loops: epoch and step stood beside the others."""
    loops = content.setdefault("loops", {})
    fit = loops["fit_loop"] = {**_unknown(), **(loops.get("fit_loop") or {})}
    step = int(content["global_step"])
    optimizer = fit["epoch_loop.batch_loop.optimizer_loop.optim_progress"]["optimizer"]
    optimizer["step"]["total"]["completed"] = step
    fit["epoch_loop.batch_loop.manual_loop.optim_step_progress"]["total"]["completed"] = step
    fit["epoch_progress"]["current"]["completed"] = int(content.get("epoch", 0))


def add_updates(content: dict[str, Any]) -> None:
    """Before 1.6.5 the x-axis of logs was the number of optimizer steps."""
    held = content["loops"]["fit_loop"].setdefault("epoch_loop.state_dict", {})
    held.setdefault("_batches_that_stepped", int(content["global_step"]))


def rename_optimization(content: dict[str, Any]) -> None:
    """With 2.0 the batch loop went, and the two loops in it became parts of the epoch loop."""
    fit = (content.get("loops") or {}).get("fit_loop")
    if fit is None:
        return
    for old, new in _RENAMED.items():
        for name in (f"epoch_loop.{old}", f"epoch_loop.{old.removeprefix('batch_loop.')}"):
            if name in fit:
                fit[f"epoch_loop.{new}"] = fit.pop(name)
    progress = fit.get("epoch_loop.automatic_optimization.optim_progress")
    if progress is not None:
        progress.pop("optimizer_position", None)
    own = fit.pop("epoch_loop.batch_loop.state_dict", None)
    if own:
        fit["epoch_loop.state_dict"]["old_batch_loop_state_dict"] = own


def flatten_evaluation(content: dict[str, Any]) -> None:
    """With 2.0 the loops over loaders went, and what was in them became parts of the evaluation loops."""
    for name in ("validate_loop", "test_loop", "predict_loop"):
        loop = (content.get("loops") or {}).get(name)
        if loop is not None:
            loop.pop("dataloader_progress", None)
            for key in [one for one in loop if one.startswith("epoch_loop.")]:
                loop[key.removeprefix("epoch_loop.")] = loop.pop(key)
