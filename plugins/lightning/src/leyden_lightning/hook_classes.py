"""Parts of a module that Lightning defines as classes of their own."""

from __future__ import annotations

from typing import Any


class CheckpointHooks:
    """The two hooks about checkpoints."""

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint was read."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A checkpoint is about to be written."""


def do_nothing_closure() -> None:
    """Nothing."""
