"""What old files hold of callbacks and precision."""

from __future__ import annotations

import re
from typing import Any

from leyden.api.warn import warn

_FLAT = {
    "checkpoint_callback_best_model_score": ("ModelCheckpoint", "best_model_score"),
    "checkpoint_callback_best_model_path": ("ModelCheckpoint", "best_model_path"),
    "checkpoint_callback_best": ("ModelCheckpoint", "best_model_score"),
}
"""Before 0.10: keys of the checkpoint, and whose state they are."""

_STOPPING = ("early_stop_callback_wait", "early_stop_callback_patience")


def collect_flat_keys(content: dict[str, Any]) -> None:
    """Before 0.10 there were no states of callbacks, but keys beside the others."""
    states = content["callbacks"] = dict(content.get("callbacks") or {})
    for key, (callback, name) in _FLAT.items():
        if key in content:
            states.setdefault(callback, {})[name] = content.pop(key)
    if any([content.pop(key, None) is not None for key in _STOPPING]):
        warn(
            "migration-early-stopping",
            "The checkpoint holds how long early stopping had waited, and not for which score: it begins anew.",
        )


def drop_save_on_train_epoch_end(content: dict[str, Any]) -> None:
    """Before 1.9 the key of a ModelCheckpoint's state held one argument more.

    Where two states would then have the same key, they stay as they are, with a warning.
    """
    states = content.get("callbacks") or {}
    pattern = re.compile(r", 'save_on_train_epoch_end': (None|True|False)")
    renamed = {
        pattern.sub("", key) if isinstance(key, str) and key.startswith("ModelCheckpoint") else key: state
        for key, state in states.items()
    }
    if len(renamed) < len(states):
        warn(
            "migration-callbacks",
            "The checkpoint holds several ModelCheckpoint states that differ in save_on_train_epoch_end alone, which "
            "is no longer part of their keys: they are not taken up.",
        )
    elif "callbacks" in content:
        content["callbacks"] = renamed


def drop_apex(content: dict[str, Any]) -> None:
    """The state of NVIDIA Apex's loss scaling, which nobody can take."""
    if content.pop("amp_scaling_state", None) is not None:
        warn("migration-apex", "The checkpoint holds loss scaling of NVIDIA Apex, which is left out.")


def name_classes(content: dict[str, Any]) -> None:
    """Before 1.5 callbacks' states stood under the class itself; they now stand under its name."""
    states = content.get("callbacks")
    if states:
        content["callbacks"] = {
            key if isinstance(key, str) else getattr(key, "__qualname__", str(key)): state
            for key, state in states.items()
        }
