"""The migration, as the kernel asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from leyden.interfaces import Migration
from leyden_checkpoint_migration import callbacks, loops
from leyden_checkpoint_migration.version import FORMAT, Release, release

Content = dict[str, Any]
Step = Callable[[Content], None]

STEPS: list[tuple[Release, list[Step]]] = [
    ((0, 10, 0), [callbacks.collect_flat_keys]),
    ((1, 6, 0), [loops.add_progress]),
    ((1, 6, 5), [loops.add_updates]),
    ((1, 9, 0), [callbacks.drop_save_on_train_epoch_end]),
    ((2, 0, 0), [callbacks.drop_apex, loops.rename_optimization, loops.flatten_evaluation]),
]
"""What changed with which release; a file of an earlier one takes every later step, in this order."""


class LightningMigration(Migration):
    """Brings files of PyTorch Lightning before 2.0 to the present format, and knows the classes that they name."""

    def names(self) -> AbstractContextManager[Any]:
        """While this holds, classes of Lightning that old files name are data: nothing of Lightning is imported."""
        from leyden_checkpoint_migration.names import known

        return known()

    def migrate(self, content: Content, path: Any) -> Content:
        """Bring a file's content up to date; that of a present one comes back as it is.

        Args:
            content: the checkpoint; not changed.
            path: where it was read, for messages.
        """
        before = release(content.get("pytorch-lightning_version"))
        if before >= STEPS[-1][0] or not {"global_step", "state_dict"} <= content.keys():
            return content  # present, weights alone, or nothing of Lightning's
        made = {**content}
        for key in ("callbacks", "loops"):
            if isinstance(made.get(key), dict):
                made[key] = _copied(made[key])
        for since, steps in STEPS:
            if before < since:
                for step in steps:
                    step(made)
        made.setdefault("legacy_pytorch-lightning_version", content.get("pytorch-lightning_version", "0.0.0"))
        made["pytorch-lightning_version"] = FORMAT
        callbacks.name_classes(made)
        return made


def _copied(value: Any) -> Any:
    """Dicts copied, all else as it is."""
    return {key: _copied(one) for key, one in value.items()} if isinstance(value, dict) else value
