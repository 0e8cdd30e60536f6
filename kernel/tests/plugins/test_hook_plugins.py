"""Hook plugins as listeners: modules, classes and instances whose functions are named like hooks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from kernel.tests.plugins.adapting import HANDED, HOOK, fired, module_of

from leyden.errors import HookSignatureError
from leyden.kernel.events import EVENTS
from leyden.kernel.state import RunState
from leyden.plugins.adapt import Participant, from_plugin
from leyden.plugins.manager import Manager, hookimpl


@pytest.mark.parametrize(
    ("parameters", "seen"),
    [
        ("", ()),
        ("batch_idx", (3,)),
        ("batch_idx, trainer", (3, "trainer")),
        ("trainer, pl_module, outputs, batch, batch_idx", HANDED),
        ("batch, outputs=None", ("batch", "outputs")),
    ],
)
def test_a_plugin_takes_any_of_the_parameters_by_name(parameters: str, seen: tuple[Any, ...]) -> None:
    names = ", ".join(one.partition("=")[0].strip() for one in parameters.split(","))
    body = f"return ({names},)" if parameters else "return ()"
    plugin = module_of(f"def {HOOK}({parameters}):\n    {body}")
    assert fired(from_plugin("p", plugin)) == [seen]


class ByInstance:
    """A plugin whose implementations are of every kind a class can have."""

    def on_train_start(self) -> str:
        return type(self).__name__

    @classmethod
    def on_train_end(cls, trainer: Any) -> str:
        return f"{cls.__name__} {trainer}"

    @staticmethod
    def on_fit_start(pl_module: Any) -> str:
        return f"static {pl_module}"


@pytest.mark.parametrize("plugin", [ByInstance, ByInstance()], ids=["class", "instance"])
def test_classes_and_instances_are_plugins(plugin: Any) -> None:
    participant = from_plugin("p", plugin)
    found = [
        fired(participant, hook=hook, handed=("t", "m"))
        for hook in ("on_train_start", "on_train_end", "on_fit_start")
    ]
    assert found == [["ByInstance"], ["ByInstance t"], ["static m"]]
    assert set(participant.hooks) == {"on_train_start", "on_train_end", "on_fit_start"}


def test_two_runs_of_a_class_get_an_object_each() -> None:
    assert from_plugin("p", ByInstance).target is not from_plugin("p", ByInstance).target


@pytest.mark.parametrize(
    "parameters", ["*args", "**kwargs", "trainer, *, batch", "batch, *rest", "*, trainer=None"]
)
def test_what_cannot_be_handed_over_by_name_is_refused(parameters: str) -> None:
    with pytest.raises(HookSignatureError, match=r"on_train_batch_end of plugin 'p' \(acme 1.0\)") as caught:
        from_plugin("p", module_of(f"def {HOOK}({parameters}): pass"), "acme 1.0")
    assert all(name in str(caught.value) for name in EVENTS[HOOK].params)


def test_a_parameter_that_the_hook_does_not_have_is_refused_with_the_nearest() -> None:
    with pytest.raises(HookSignatureError, match=r"asks for 'batch_index'.*Did you mean 'batch_idx'"):
        from_plugin("p", module_of(f"def {HOOK}(batch_index): pass"))


@pytest.mark.parametrize("name", ["on_train_bach_end", "leyden_nothing"])
def test_a_stray_function_is_refused(name: str) -> None:
    with pytest.raises(HookSignatureError, match=f"has a function '{name}', and there is no such hook"):
        from_plugin("p", module_of(f"def {name}(): pass"))
    with pytest.raises(HookSignatureError, match=name):
        from_plugin("p", type("Stray", (), {name: lambda self: None}))


def test_what_a_module_imports_is_not_stray() -> None:
    other = module_of("def on_click(): pass", "acme_gui")
    plugin = module_of("def on_train_start(): return 1")
    vars(plugin)["on_click"] = vars(other)["on_click"]
    assert set(from_plugin("p", plugin).hooks) == {"on_train_start"}


def test_private_functions_and_values_named_like_hooks_are_nobodys_business() -> None:
    plugin = module_of(
        "def _on_nothing(): pass\non_nothing = 3\nsetup = None\ndef on_train_start(): return 1"
    )
    assert set(from_plugin("p", plugin).hooks) == {"on_train_start"}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("@hookimpl(specname='on_train_start')\ndef watch(): pass", "another name than its hook's"),
        ("@hookimpl\ndef tear_down(): pass", "no hook"),
        ("@hookimpl(wrapper=True)\ndef on_train_start(): pass", "a wrapper that is no generator"),
        ("@hookimpl(hookwrapper=True)\ndef on_train_start(): pass", "a hookwrapper that is no generator"),
    ],
    ids=["specname", "unknown", "wrapper", "hookwrapper"],
)
def test_a_mark_that_cannot_work_is_refused_when_the_plugin_is_adapted(source: str, why: str) -> None:
    plugin = ModuleType("acme_plugin")
    vars(plugin)["hookimpl"] = hookimpl
    exec(source, vars(plugin))
    with pytest.raises(HookSignatureError):
        from_plugin("p", plugin)


def test_order_and_wrapping_are_pluggys() -> None:
    log: list[str] = []

    def plugin(name: str, **options: Any) -> Participant:
        def on_train_start() -> None:
            log.append(name)

        def around() -> Any:
            log.append(f"{name} before")
            yield
            log.append(f"{name} after")

        around.__name__ = "on_train_start"
        module = ModuleType(name)
        vars(module)["on_train_start"] = hookimpl(**options)(
            around if options.get("wrapper") else on_train_start
        )
        return from_plugin(name, module)

    fired(
        *(
            plugin("last", trylast=True),
            plugin("a"),
            plugin("wrap", wrapper=True),
            plugin("first", tryfirst=True),
        ),
        hook="on_train_start",
        handed=("t", "m"),
    )
    assert log == ["wrap before", "first", "a", "last", "wrap after"]


def calls_of(program: Callable[[], object]) -> int:
    """How many Python functions a program calls."""
    events: list[str] = []
    sys.setprofile(lambda frame, event, argument: events.append(event))
    try:
        program()
    finally:
        sys.setprofile(None)
    return events.count("call")


def test_two_hundred_plugins_without_step_hooks_change_nothing_in_a_step() -> None:
    step = [name for name, event in EVENTS.items() if event.family == "step"]
    manager = Manager(RunState())
    manager.register([from_plugin("one", module_of(f"def {HOOK}(trainer): pass"))])

    def one_step() -> None:
        for name in step:
            fire = getattr(manager.table, name)
            if fire:
                fire(*EVENTS[name].params)

    listening, calls = {name for name in step if getattr(manager.table, name)}, calls_of(one_step)
    other = [name for name, event in EVENTS.items() if event.family != "step"]
    sources = (f"def {other[i % len(other)]}(trainer): return {i}" for i in range(200))
    manager.register([from_plugin(f"p{i}", module_of(source)) for i, source in enumerate(sources)])
    assert {name for name in step if getattr(manager.table, name)} == listening == {HOOK}
    assert calls_of(one_step) == calls
    assert len(manager.participants) == 201
