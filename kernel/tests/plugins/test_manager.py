"""The plugin manager of one run."""

from __future__ import annotations

from typing import Any

from leyden.kernel.events import EVENTS
from leyden.kernel.state import RunState
from leyden.plugins.adapt import from_plugin
from leyden.plugins.manager import Manager


class Watching:
    """Listens to one hook."""

    def on_train_start(self, trainer: Any) -> Any:
        return trainer


def test_two_runs_share_nothing() -> None:
    one, other = Manager(RunState()), Manager(RunState())
    one.register([from_plugin("w", Watching)])
    assert one.table.on_train_start is not None
    assert other.table.on_train_start is None
    assert other.participants == []


def test_pluggy_knows_every_hook_and_who_listens() -> None:
    manager = Manager(RunState())
    manager.register([from_plugin("w", Watching)])
    assert set(EVENTS) <= set(vars(manager.pluggy.hook))
    assert manager.pluggy.list_name_plugin()[0][0] == "plugin:w"
    assert manager.pluggy.hook.on_train_start(trainer=1, pl_module=2) == [1]
    assert str(manager.pluggy.get_plugin("plugin:w")) == "plugin 'w'"


def test_participants_are_found_by_the_object_they_stand_for() -> None:
    manager = Manager(RunState())
    plugin = Watching()
    participants = [from_plugin("a", plugin), from_plugin("b", plugin), from_plugin("c", Watching)]
    manager.register(participants)
    assert manager.of(plugin) == participants[:2]
