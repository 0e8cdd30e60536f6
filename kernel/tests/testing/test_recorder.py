"""hook_recorder and leyden_pm."""

from __future__ import annotations

from leyden.kernel.events import EVENTS
from leyden.plugins import Manager
from leyden.plugins.adapt import from_plugin
from leyden.testing import Call, HookRecorder, Runner


def fire(manager: Manager, name: str, *args: object) -> object:
    """Fire a hook that somebody listens to."""
    call = getattr(manager.table, name)
    assert call is not None
    return call(*args)


def test_every_hook_is_recorded_with_its_arguments(leyden_pm: Manager, hook_recorder: HookRecorder) -> None:
    hook_recorder.attach(leyden_pm)
    for name, event in EVENTS.items():
        fire(leyden_pm, name, *event.params)
    wanted = [
        Call(name, dict(zip(event.params, event.params, strict=True))) for name, event in EVENTS.items()
    ]
    assert hook_recorder.calls == wanted
    assert hook_recorder.names == list(EVENTS)


def test_calls_can_be_looked_up_and_forgotten(leyden_pm: Manager, hook_recorder: HookRecorder) -> None:
    hook_recorder.attach(leyden_pm)
    fire(leyden_pm, "on_train_batch_end", "trainer", "module", {"loss": 1}, "batch", 3)
    fire(leyden_pm, "on_train_end", "trainer", "module")
    (call,) = hook_recorder.of("on_train_batch_end")
    assert call.arguments["batch_idx"] == 3
    hook_recorder.clear()
    assert hook_recorder.names == []


def test_a_detached_recorder_hears_nothing(leyden_pm: Manager, hook_recorder: HookRecorder) -> None:
    leyden_pm.unregister(hook_recorder.attach(leyden_pm))
    assert leyden_pm.table.on_fit_start is None


def test_two_recorders_are_independent(leyden_pm: Manager, hook_recorder: HookRecorder) -> None:
    other = HookRecorder()
    hook_recorder.attach(leyden_pm)
    fire(leyden_pm, "on_fit_start", "trainer", "module")
    assert (hook_recorder.names, other.names) == (["on_fit_start"], [])


def test_the_manager_knows_nobody(leyden_pm: Manager) -> None:
    assert leyden_pm.participants == []
    assert all(getattr(leyden_pm.table, name) is None for name in EVENTS)


def test_the_manager_takes_plugins(leyden_pm: Manager) -> None:
    class Plugin:
        def on_fit_start(self, trainer: object) -> object:
            return trainer

    leyden_pm.register([from_plugin("mine", Plugin)])
    assert fire(leyden_pm, "on_fit_start", "the trainer", "module") == ["the trainer"]


def test_a_recorder_hears_a_run(leyden_run: Runner) -> None:
    events = leyden_run("fit", allowed=()).ok().events
    assert events[0] == "leyden_run_start"
    assert events.index("setup") < events.index("on_fit_start") < events.index("on_train_start")
    assert events.count("on_train_batch_end") == 2
    assert "teardown" in events[-3:]
