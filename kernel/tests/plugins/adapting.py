"""What the tests of adapters share."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from leyden.kernel.state import RunState
from leyden.plugins.adapt import Participant
from leyden.plugins.manager import Manager

HOOK = "on_train_batch_end"
HANDED = ("trainer", "module", "outputs", "batch", 3)


def fired(*participants: Participant, hook: str = HOOK, handed: tuple[Any, ...] = HANDED) -> Any:
    """What a hook returns with these listeners alone."""
    manager = Manager(RunState())
    manager.register(participants)
    fire = getattr(manager.table, hook)
    return fire(*handed) if fire else None


def module_of(source: str, name: str = "acme_plugin") -> ModuleType:
    """A module, as an entry point names one."""
    module = ModuleType(name)
    exec(source, vars(module))
    return module
