"""The specifications are uniform, and what the kernel reads off them is right."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from leyden.kernel.events import EVENTS, PROJECT, Event
from leyden.kernel.hookspecs import FAMILIES, _mark

SKELETON = ["When", "Order", "Ranks", "Returns", "Since"]
UNPREFIXED = {"setup", "teardown", "prepare_data"}
SPECS: dict[str, Callable[..., Any]] = {
    name: value
    for family in FAMILIES
    for name, value in vars(family).items()
    if inspect.isfunction(value) and value.__module__ == family.__name__
}
every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def test_every_function_of_a_family_is_an_event_and_the_other_way_round() -> None:
    assert list(EVENTS) == list(SPECS)
    public = [name for family in FAMILIES for name in vars(family) if name in SPECS]
    assert len(public) == len(SPECS), "two families declare one name"


@every_spec
def test_the_docstring_has_the_skeleton(spec: Callable[..., Any]) -> None:
    lines = (inspect.getdoc(spec) or "").splitlines()
    assert re.fullmatch(r"[A-Z].*[.?]", lines[0]), "the first line is a sentence"
    assert lines[1] == ""
    assert re.findall(r"^([A-Z]\w+):", "\n".join(lines[2:]), flags=re.MULTILINE) == SKELETON
    parts = re.split(r"^[A-Z]\w+:", "\n".join(lines[2:]), flags=re.MULTILINE)[1:]
    assert all(part.strip().endswith(".") for part in parts)


@every_spec
def test_parameters_begin_with_trainer_and_module_and_have_no_defaults(spec: Callable[..., Any]) -> None:
    parameters = list(inspect.signature(spec).parameters.values())
    assert [one.name for one in parameters[:2]] == ["trainer", "pl_module"]
    assert {one.kind for one in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert {one.default for one in parameters} == {inspect.Parameter.empty}


@every_spec
def test_everything_is_annotated_and_the_body_is_a_docstring_alone(spec: Callable[..., Any]) -> None:
    annotations = inspect.get_annotations(spec)
    assert list(annotations) == [*inspect.signature(spec).parameters, "return"]
    assert spec(*[None] * (len(annotations) - 1)) is None


@every_spec
def test_the_name_is_lightnings_or_says_that_it_is_leydens(spec: Callable[..., Any]) -> None:
    name = spec.__name__
    assert name in UNPREFIXED or name.startswith(("on_", "leyden_"))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_the_event_says_what_the_specification_says(event: Event) -> None:
    spec = SPECS[event.name]
    options = vars(spec)[f"{PROJECT}_spec"]
    assert event.params == tuple(inspect.signature(spec).parameters)
    assert event.doc == inspect.getdoc(spec)
    assert event.firstresult is options["firstresult"]
    assert spec.__module__.endswith(f".{event.family}")


def test_only_who_does_this_hooks_stop_at_the_first_result() -> None:
    assert {event.name for event in EVENTS.values() if event.firstresult} == {
        "leyden_write_checkpoint",
        "leyden_read_checkpoint",
        "leyden_export",
    }


def test_hooks_that_release_something_or_write_logs_call_every_listener() -> None:
    assert {event.name for event in EVENTS.values() if event.every} == {
        "on_exception",
        "teardown",
        "leyden_finalize",
        "leyden_checkpoint_tracked",
        "leyden_log_graph",
        "leyden_log_hyperparams",
        "leyden_log_metrics",
    }


def test_the_mark_is_read_off_the_function() -> None:
    @_mark.spec(firstresult=True, every=False)
    def asked(trainer: Any, pl_module: Any) -> Any: ...

    assert vars(asked)[f"{PROJECT}_spec"]["firstresult"] is True
    assert vars(asked)["leyden_every"] is False
