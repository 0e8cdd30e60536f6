"""Checkpoints of older versions of Lightning, brought to the form of 2.6."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from packaging.version import Version

from leyden_lightning.metadata import VERSION
from leyden_lightning.utilities.rank_zero import rank_zero_info

KEY = "pytorch-lightning_version"


def pl_legacy_patch() -> AbstractContextManager[None]:
    """While it holds, classes that old pickles name can be found. They can at any time: their modules answer."""
    return nullcontext()


def migrate_checkpoint(
    checkpoint: dict[str, Any], target_version: str | None = None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Bring a checkpoint to the present form, in place.

    Args:
        checkpoint: what was read.
        target_version: go no further than this version's form.

    Returns:
        The checkpoint, and the changes made, by the version that asked for them.
    """
    before = Version(str(checkpoint.get(KEY, "0.0.0")))
    limit = Version(target_version) if target_version is not None else None
    done: dict[str, list[str]] = {}
    for version, steps in _STEPS.items():
        if before < Version(version) and (limit is None or Version(version) <= limit):
            for step in steps:
                step(checkpoint)
            done[version] = [step.__name__ for step in steps]
    checkpoint["legacy_" + KEY] = str(before)
    checkpoint[KEY] = target_version or VERSION
    return checkpoint, done


def _callback_states(checkpoint: dict[str, Any]) -> None:
    """Before 1.0, checkpoint and early-stopping states stood at the top."""
    from leyden import callbacks

    names = {
        callbacks.ModelCheckpoint: {
            "best_model_score": "checkpoint_callback_best_model_score",
            "best_model_path": "checkpoint_callback_best_model_path",
        },
        callbacks.EarlyStopping: {
            "wait_count": "early_stop_callback_wait",
            "patience": "early_stop_callback_patience",
        },
    }
    checkpoint.pop("checkpoint_callback_best", None)
    states = checkpoint.get("callbacks") or {}
    for kind, keys in names.items():
        found = {new: checkpoint.pop(old) for new, old in keys.items() if old in checkpoint}
        if found:
            states[kind] = found
    if states:
        checkpoint["callbacks"] = states


def _callback_keys(checkpoint: dict[str, Any]) -> None:
    """Before 1.5, callback states stood under the class; since then, under its name."""
    states = checkpoint.get("callbacks")
    if states:
        checkpoint["callbacks"] = {
            key.__qualname__ if isinstance(key, type) else key: value for key, value in states.items()
        }


def _loops(checkpoint: dict[str, Any]) -> None:
    """Before 1.6, epoch and step stood at the top alone."""
    if "loops" in checkpoint or "global_step" not in checkpoint:
        return
    step, epoch = int(checkpoint["global_step"]), int(checkpoint.get("epoch", 0))
    optimizers = len(checkpoint.get("optimizer_states") or [0])
    done = {"total": {"ready": step, "completed": step}, "current": {"ready": 0, "completed": 0}}
    whole = {"ready": epoch, "started": epoch, "processed": epoch, "completed": epoch}
    checkpoint["global_step"] = step * max(optimizers, 1)
    checkpoint["loops"] = {
        "fit_loop": {
            "state_dict": {},
            "epoch_progress": {"total": dict(whole), "current": dict(whole)},
            "epoch_loop.state_dict": {"_batches_that_stepped": step},
            "epoch_loop.batch_progress": {
                "total": {"ready": step, "started": step, "processed": step, "completed": step},
                "current": {"ready": 0, "started": 0, "processed": 0, "completed": 0},
                "is_last_batch": False,
            },
            "epoch_loop.scheduler_progress": done,
            "epoch_loop.manual_optimization.state_dict": {},
            "epoch_loop.manual_optimization.optim_step_progress": {
                "total": {"ready": 0, "completed": 0},
                "current": {"ready": 0, "completed": 0},
            },
            "epoch_loop.automatic_optimization.state_dict": {},
            "epoch_loop.automatic_optimization.optim_progress": {
                "optimizer": {
                    "step": {
                        "total": {"ready": step, "completed": step},
                        "current": {"ready": 0, "completed": 0},
                    },
                    "zero_grad": {
                        "total": {"ready": step, "started": step, "completed": step},
                        "current": {"ready": 0, "started": 0, "completed": 0},
                    },
                }
            },
        }
    }


def _apex(checkpoint: dict[str, Any]) -> None:
    """Apex is gone since 2.0."""
    checkpoint.pop("amp_scaling_state", None)


def _loop_names(checkpoint: dict[str, Any]) -> None:
    """In 2.0 the loops of batches and optimizers went."""
    fit = checkpoint.get("loops", {}).get("fit_loop")
    if not fit:
        return
    for old, new in (
        ("epoch_loop.batch_loop.optimizer_loop.", "epoch_loop.automatic_optimization."),
        ("epoch_loop.batch_loop.manual_loop.", "epoch_loop.manual_optimization."),
        ("epoch_loop.batch_loop.", None),
    ):
        for key in [one for one in fit if one.startswith(old)]:
            value = fit.pop(key)
            if new is not None:
                fit.setdefault(new + key.removeprefix(old), value)
    progress = fit.get("epoch_loop.automatic_optimization.optim_progress")
    if isinstance(progress, dict):
        progress.pop("optimizer_position", None)


_STEPS = {
    "1.0.0": [_callback_states],
    "1.5.0": [_callback_keys],
    "1.6.0": [_loops],
    "2.0.0": [_apex, _loop_names],
}


def _upgrade(args: argparse.Namespace) -> None:
    path = Path(args.path).absolute()
    files = [path] if path.is_file() else sorted(path.glob(f"**/*{args.extension}"))
    if not path.exists() or not files:
        rank_zero_info(f"There is no checkpoint at {path}.")
        sys.exit(1)
    for file in files:
        checkpoint = torch.load(file, map_location="cpu" if args.map_to_cpu else None, weights_only=False)
        checkpoint, done = migrate_checkpoint(checkpoint)
        torch.save(checkpoint, file)
        rank_zero_info(f"{file}: {', '.join(done) or 'nothing to change'}")


def main() -> None:
    """``python -m lightning.pytorch.utilities.upgrade_checkpoint PATH``: rewrite files in place.

    The files may run code while they are read: convert only those whose origin you trust.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("path", help="a checkpoint, or a folder of them")
    parser.add_argument("--extension", "-e", default=".ckpt", help="the extension of checkpoints in a folder")
    parser.add_argument("--map-to-cpu", action="store_true", help="load tensors to the CPU")
    _upgrade(parser.parse_args())
