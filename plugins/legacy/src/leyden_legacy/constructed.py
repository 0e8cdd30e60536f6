"""What happens when a Trainer is complete."""

from __future__ import annotations

from typing import Any

from leyden_legacy.notes import note


def constructed(trainer: Any) -> None:
    """Call ``on_init_start(trainer)`` and ``on_init_end(trainer)`` of callbacks that have them."""
    for name in ("on_init_start", "on_init_end"):
        for one in trainer.callbacks:
            hook = getattr(type(one), name, None)
            if callable(hook):
                note(f"{name} of a callback", "the callback's __init__, or setup")
                getattr(one, name)(trainer)
