"""The plugin manager of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pluggy

from leyden.kernel.events import PROJECT
from leyden.kernel.hookspecs import FAMILIES
from leyden.kernel.table import Fire, HookTable, Scope
from leyden.plugins.adapt import Participant

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a hook implementation that wants an order (``tryfirst``, ``trylast``) or wraps (``wrapper=True``)."""


Watcher = Callable[[str, Participant | None, Fire], Fire]
"""Given a hook's name, its listener (``None``: several behind a wrapper) and what is called: what to call instead."""


class _Registered:
    """What pluggy keeps for a participant: the functions under the hooks' names, and identity as equality."""

    def __init__(self, participant: Participant) -> None:
        self.participant = participant
        vars(self).update(participant.hooks)

    def __str__(self) -> str:
        return str(self.participant)


class Manager:
    """pluggy for one run, and the table read off it.

    Args:
        scope: holds the name of the hook being fired.
    """

    def __init__(self, scope: Scope) -> None:
        self.pluggy = pluggy.PluginManager(PROJECT)
        for family in FAMILIES:
            self.pluggy.add_hookspecs(family)
        self.table = HookTable(scope)
        self.participants: list[Participant] = []
        self._registered: dict[int, _Registered] = {}
        self._watcher: Watcher | None = None

    def register(self, participants: Sequence[Participant]) -> None:
        """Register participants so that they are called in the given order, before those registered earlier.

        pluggy calls last-registered first, hence the reversal.
        """
        for participant in reversed(participants):
            held = _Registered(participant)
            self.pluggy.register(held, name=f"{participant.kind}:{participant.name}")
            self._registered[id(participant)] = held
        self.participants = [*participants, *self.participants]
        self.bind()

    def unregister(self, participant: Participant) -> None:
        """Take a participant out of the run."""
        self.pluggy.unregister(self._registered.pop(id(participant)))
        self.participants = [one for one in self.participants if one is not participant]
        self.bind()

    def bind(self) -> None:
        """Read the table off pluggy anew."""
        self.table.bind(vars(self.pluggy.hook), str, self._watch if self._watcher else None)

    def watch(self, watcher: Watcher | None) -> None:
        """Let something stand between the table and each listener, to measure it; ``None`` takes it away."""
        self._watcher = watcher
        self.bind()

    def _watch(self, hook: str, held: _Registered | None, call: Fire) -> Fire:
        assert self._watcher is not None
        return self._watcher(hook, held.participant if held is not None else None, call)

    def of(self, target: Any) -> list[Participant]:
        """The participants that stand for an object."""
        return [one for one in self.participants if one.target is target]
