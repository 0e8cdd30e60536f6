"""The hook table calls what pluggy would call, in the same order, with the same outcome."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel.tests.kernel.plugin_sets import EVERY, HOOKS, PLAIN, WRAPPING, Pair, Part, plugin_sets

from leyden.kernel.events import EVENTS
from leyden.kernel.state import RunState
from leyden.kernel.table import HookTable
from leyden.plugins.adapt import Participant, from_plugin
from leyden.plugins.errors import HookSignatureError
from leyden.plugins.manager import Manager, hookimpl

ordinary = settings(deadline=None, max_examples=150, database=None)


@ordinary
@given(plugin_sets(HOOKS, (*PLAIN, *PLAIN, *WRAPPING)))
def test_table_and_pluggy_agree_on_calls_results_and_exceptions(plugins: list[list[Part]]) -> None:
    pair = Pair(plugins)
    for hook in HOOKS:
        assert pair.by_table(hook) == pair.by_pluggy(hook)


@ordinary
@given(plugin_sets(HOOKS, (*PLAIN, *WRAPPING)), st.data())
def test_they_agree_after_plugins_left(plugins: list[list[Part]], data: st.DataObject) -> None:
    pair = Pair(plugins)
    for index in data.draw(st.sets(st.integers(0, len(plugins) - 1))) if plugins else ():
        pair.remove(index)
    for hook in HOOKS:
        assert pair.by_table(hook) == pair.by_pluggy(hook)


@ordinary
@given(plugin_sets(EVERY, PLAIN))
def test_every_hooks_call_all_and_raise_the_first_error(plugins: list[list[Part]]) -> None:
    pair = Pair(plugins)
    for hook in EVERY:
        listening = [part for plugin in plugins for part in plugin if part.hook == hook]
        end = pair.by_table(hook)
        assert len(end[-1]) == len(listening)
        if not any(isinstance(part.act, type) for part in listening):
            assert end == pair.by_pluggy(hook)
        else:
            owner = next(owner for owner, *_ in end[-1] if _raises(pair, owner, hook))
            assert end[2] == f"{owner} in {hook}"


def _raises(pair: Pair, owner: str, hook: str) -> bool:
    parts = pair.plugins[int(owner[1:])]
    return any(part.hook == hook and isinstance(part.act, type) for part in parts)


class Failing:
    """Raises in whatever it listens to."""

    def __init__(self, error: BaseException, calls: list[str]) -> None:
        self.error, self.calls = error, calls

    def teardown(self) -> None:
        self.calls.append(str(self.error))
        raise self.error

    def on_train_start(self) -> None:
        raise self.error


class Wrapping:
    """Wraps a hook."""

    @hookimpl(wrapper=True)
    def on_train_start(self) -> Any:
        return (yield)


def managed(*plugins: Any) -> Manager:
    """A manager with plugins, each with a name and an origin."""
    manager = Manager(RunState())
    manager.register([from_plugin(f"n{i}", one, f"dist-{i} 1.{i}") for i, one in enumerate(plugins)])
    return manager


def fired(manager: Manager, hook: str, *args: Any) -> Any:
    """What a hook of the table returns."""
    fire = getattr(manager.table, hook)
    return fire(*args)


def test_the_first_of_several_errors_is_raised_with_notes_about_the_others() -> None:
    calls: list[str] = []
    manager = managed(Failing(KeyError("a"), calls), Failing(ValueError("b"), calls))
    with pytest.raises(KeyError) as caught:
        fired(manager, "teardown", None, None, "fit")
    assert calls == ["'a'", "b"]
    assert caught.value.__notes__ == [
        "leyden: raised in teardown of plugin 'n0' (dist-0 1.0)",
        "leyden: then also ValueError: b",
    ]


def test_an_exception_is_noted_once_with_plugin_distribution_and_hook() -> None:
    manager = managed(Failing(KeyError("a"), []))
    with pytest.raises(KeyError) as caught:
        fired(manager, "on_train_start", None, None)
    assert caught.value.__notes__ == ["leyden: raised in on_train_start of plugin 'n0' (dist-0 1.0)"]
    with pytest.raises(KeyError):
        fired(manager, "on_train_start", None, None)
    assert len(caught.value.__notes__) == 1


def test_an_exception_in_a_wrapped_hook_is_noted_too() -> None:
    with pytest.raises(KeyError) as caught:
        fired(managed(Failing(KeyError("a"), []), Wrapping()), "on_train_start", None, None)
    assert "on_train_start of plugin 'n0' (dist-0 1.0)" in caught.value.__notes__[0]


def test_a_hook_that_reaches_everybody_cannot_be_wrapped() -> None:
    class WrappingTeardown:
        @hookimpl(wrapper=True)
        def teardown(self) -> Any:
            yield

    with pytest.raises(HookSignatureError, match="cannot be wrapped"):
        from_plugin("p", WrappingTeardown())


def test_a_hook_without_listeners_is_none() -> None:
    manager = Manager(RunState())
    assert {name: getattr(manager.table, name) for name in EVENTS} == dict.fromkeys(EVENTS)


def test_registering_and_unregistering_rebind_the_table() -> None:
    manager = Manager(RunState())
    participant = Participant("one", "plugin", object())
    participant.listen(EVENTS["on_train_start"], lambda: "one", ())
    manager.register([participant])
    assert fired(manager, "on_train_start", None, None) == ["one"]
    assert manager.of(participant.target) == [participant]
    manager.unregister(participant)
    assert manager.table.on_train_start is None
    assert manager.participants == []


def test_those_registered_later_are_called_before_those_registered_earlier() -> None:
    manager = Manager(RunState())
    for batch in (("c", "d"), ("a", "b")):
        ones = [Participant(name, "plugin", object()) for name in batch]
        for one in ones:
            one.listen(EVENTS["on_train_start"], lambda name=one.name: name, ())
        manager.register(ones)
    assert fired(manager, "on_train_start", None, None) == ["a", "b", "c", "d"]
    assert [one.name for one in manager.participants] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("hook", ["on_train_start", "teardown", "leyden_export"])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_the_scope_knows_the_hook_and_gets_its_own_back(hook: str, wrapped: bool, fails: bool) -> None:
    if wrapped and EVENTS[hook].every:
        pytest.skip("cannot be wrapped")
    state = RunState(hook="outer")
    manager, seen = Manager(state), []
    inner = EVENTS["on_train_end"]

    def call(*args: Any) -> None:
        seen.append(state.hook)
        fired(manager, "on_train_end", None, None)
        seen.append(state.hook)
        if fails:
            raise ValueError

    listener = Participant("listener", "plugin", object())
    listener.listen(EVENTS[hook], call, EVENTS[hook].params)
    listener.listen(inner, lambda: seen.append(state.hook), ())
    manager.register([listener] if not wrapped else [listener, _wrapper_of(hook)])
    try:
        getattr(manager.table, hook)(*EVENTS[hook].params)
    except ValueError:
        assert fails
    assert seen == [hook, "on_train_end", hook]
    assert state.hook == "outer"


def _wrapper_of(hook: str) -> Participant:
    def around(self: Any) -> Any:
        return (yield)

    around.__name__ = hook
    return from_plugin("wrapper", type("Around", (), {hook: hookimpl(wrapper=True)(around)})())


def test_an_unknown_hook_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'on_batch_ends'"):
        HookTable(RunState()).on_batch_ends  # noqa: B018


def test_what_a_plain_listener_takes_whole_is_called_without_an_adapter_between() -> None:
    participant = Participant("one", "plugin", object())
    seen: list[Any] = []
    participant.listen(EVENTS["on_train_start"], seen.append, ("trainer",))
    participant.listen(EVENTS["on_fit_start"], max, ("trainer", "pl_module"))
    assert participant.hooks["on_train_start"].leyden_direct is not seen.append  # type: ignore[attr-defined]
    assert participant.hooks["on_fit_start"].leyden_direct is max  # type: ignore[attr-defined]
