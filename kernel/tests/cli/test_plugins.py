"""``leyden plugins``: list, show, check, hooks."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable

import pytest

from leyden.cli import main, table
from leyden.cli.calling_order import AFTER, ORDER, in_calling_order
from leyden.cli.families import named
from leyden.cli.plugins_hooks import parsed, reference
from leyden.cli.plugins_list import MANY
from leyden.errors import ConfigurationError
from leyden.kernel.events import EVENTS
from leyden.testing import FakeDists, Runner

CALLBACK = """
    from leyden.api.callback import Callback

    class Counter(Callback):
        \"\"\"Counts batches.\"\"\"
        def __init__(self, every: int = 2) -> None:
            self.every = every
        def on_train_end(self, trainer, pl_module): pass
        def on_fit_start(self, trainer, pl_module): pass
"""
HOOKS = """
    from leyden.plugins import hookimpl

    @hookimpl(wrapper=True)
    def on_train_end(trainer):
        return (yield)
    def on_fit_start(trainer): pass
"""
OPTION = """
    from leyden.interfaces import Option

    class Patience(Option):
        default = 3
        annotation = int
        doc = "how long to wait"
        def validate(self, value, given): return value
        def apply(self, value, trainer): trainer.patience = value
"""
KERNEL = ["leyden-kernel~=0.1.0"]


@pytest.fixture
def acme(fake_dist: FakeDists) -> FakeDists:
    callbacks = {"leyden.callbacks": {"counter": "acme_counter:Counter"}}
    fake_dist("acme-counter", callbacks, {"acme_counter": CALLBACK}, version="2.0", requires=KERNEL)
    fake_dist(
        "acme-hooks", {"leyden.plugins": {"watch": "acme_hooks"}}, {"acme_hooks": HOOKS}, requires=KERNEL
    )
    options = {group: {"patience": "acme_option:Patience"} for group in ("leyden.options", "leyden.defaults")}
    fake_dist("acme-option", options, {"acme_option": OPTION}, requires=KERNEL)
    return fake_dist


@pytest.fixture
def leyden(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command line; returns its status and output."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["plugins", *arguments])
        captured = capsys.readouterr()
        return status, captured.out or captured.err

    return run


Leyden = Callable[..., tuple[int, str]]


@pytest.mark.usefixtures("acme")
def test_list_in_a_pipe_is_tab_separated(leyden: Leyden) -> None:
    status, out = leyden("list")
    rows = [line.split("\t") for line in out.splitlines()]
    assert status == 0 and "\x1b" not in out
    assert ["counter", "callback", "found", "acme-counter", "2.0"] in [row[:5] for row in rows]
    assert [row[1] for row in rows if row[0] == "patience"] == ["option"]
    assert not {"acme_counter", "acme_hooks", "acme_option"} & sys.modules.keys()


@pytest.mark.usefixtures("acme")
def test_list_as_json(leyden: Leyden) -> None:
    rows = json.loads(leyden("list", "--json", "--family", "callback")[1])
    wanted = {"family": "callback", "state": "found", "distribution": "acme-counter", "version": "2.0"}
    (row,) = [row for row in rows if row["name"] == "counter"]
    assert row == {"name": "counter", **wanted, "value": "acme_counter:Counter", "note": ""}
    assert {row["family"] for row in rows} == {"callback"}


@pytest.mark.usefixtures("acme")
def test_list_all_imports_and_shows_hooks(leyden: Leyden) -> None:
    rows = {row["name"]: row for row in json.loads(leyden("list", "--json", "--all")[1])}
    assert rows["counter"]["hooks"] == "on_fit_start on_train_end"
    assert rows["watch"]["hooks"] == "on_fit_start on_train_end"
    assert rows["patience"]["hooks"] == ""


def test_list_says_why_something_may_not_run(
    acme: FakeDists, leyden: Leyden, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme("acme-old", {"leyden.callbacks": {"old": "acme_old:X"}}, {}, requires=["leyden-kernel<0.1"])
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "acme-counter")
    rows = {row["name"]: row for row in json.loads(leyden("list", "--json", "--family", "callbacks")[1])}
    assert rows["counter"]["state"] == "blocked" and "LEYDEN_DISABLE_PLUGINS" in rows["counter"]["note"]
    assert rows["old"]["state"] == "incompatible" and "leyden-kernel<0.1" in rows["old"]["note"]


@pytest.mark.parametrize("family", ["callback", "callbacks", "Callback", "leyden.callbacks"])
def test_families_have_several_spellings(family: str) -> None:
    assert named(family) == "leyden.callbacks"


def test_an_unknown_family_is_refused(leyden: Leyden) -> None:
    status, err = leyden("list", "--family", "calback")
    assert status == 2 and "Did you mean 'callback'?" in err
    with pytest.raises(ConfigurationError):
        named("")


@pytest.mark.usefixtures("acme")
def test_show_a_callback(leyden: Leyden) -> None:
    status, out = leyden("show", "counter")
    assert status == 0
    for text in (
        "acme-counter 2.0",
        "acme_counter.py",
        "leyden-kernel~=0.1.0",
        "Counts batches.",
        "every: int = 2",
    ):
        assert text in out
    assert re.search(r"hooks: +on_fit_start, on_train_end\n", out)


@pytest.mark.usefixtures("acme")
def test_show_says_what_is_slow(leyden: Leyden) -> None:
    assert re.search(r"slow: +on_train_end wraps", leyden("show", "acme-hooks")[1])


def test_show_says_what_is_called_for_every_batch(acme: FakeDists, leyden: Leyden) -> None:
    source = "def on_train_batch_end(): pass\ndef on_before_backward(): pass\ndef setup(): pass\n"
    acme("acme-step", {"leyden.plugins": {"steps": "acme_step"}}, {"acme_step": source}, requires=KERNEL)
    out = leyden("show", "steps")[1]
    assert re.search(r"hooks: +setup, on_before_backward, on_train_batch_end\n", out)
    assert re.search(r"slow: +on_before_backward, on_train_batch_end: called for every batch", out)


def test_hooks_are_in_calling_order(leyden_run: Runner) -> None:
    assert sorted(ORDER) == sorted(EVENTS)
    seen: dict[str, None] = {}
    for stage in ("fit", "validate", "test", "predict"):
        seen |= dict.fromkeys(leyden_run(stage).ok().events)
    before = [one for one in seen if one not in AFTER]
    assert in_calling_order(reversed(before)) == before


def test_a_person_sees_colours(leyden: Leyden, acme: FakeDists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "coloured", lambda stream: True)
    out = leyden("show", "counter")[1]
    assert out.startswith(f"{table.BOLD}counter (callback){table.RESET}\n")
    assert f"{table.COLOURS['loaded']}loaded{table.RESET}" in out


SMOKE = {
    "raises": ("raise KeyError('gone')", "A tiny fit with it ends with KeyError: 'gone'"),
    "leaves a thread": (
        "import threading, time; threading.Thread(target=time.sleep, args=(1,), daemon=True).start()",
        "A tiny fit with it leaves",
    ),
    "changes a setting": ("import os; os.environ['ACME'] = str(id(object()))", "os.environ['ACME']"),
}


@pytest.mark.parametrize("what", SMOKE)
@pytest.mark.parametrize("group", ["leyden.plugins", "leyden.callbacks"])
def test_check_runs_a_tiny_fit(
    what: str, group: str, fake_dist: FakeDists, leyden: Leyden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leyden.testing.footprint.GRACE", 0.01)
    monkeypatch.setenv("ACME", "before")
    body, expected = SMOKE[what]
    parameters = "self, trainer, pl_module" if group == "leyden.callbacks" else "self"
    base = "(Callback)" if group == "leyden.callbacks" else ""
    source = f"from leyden import Callback\nclass Thing{base}:\n    def on_train_end({parameters}):\n        {body}\n"
    fake_dist("acme-thing", {group: {"thing": "acme_thing:Thing"}}, {"acme_thing": source}, requires=KERNEL)
    status, out = leyden("check", "thing")
    assert status == 1
    assert expected in out and "LEYDEN_DISABLE_PLUGINS=acme-thing" in out


def test_a_callback_that_refuses_a_tiny_fit_in_words_is_not_broken(
    fake_dist: FakeDists, leyden: Leyden
) -> None:
    source = """
        from leyden import Callback
        from leyden.errors import ConfigurationError

        class Thing(Callback):
            def on_fit_start(self, trainer, pl_module):
                raise ConfigurationError("Thing needs a logger.")
    """
    entry = {"leyden.callbacks": {"thing": "acme_thing:Thing"}}
    fake_dist("acme-thing", entry, {"acme_thing": source}, requires=KERNEL)
    assert leyden("check", "thing")[0] == 0


@pytest.mark.usefixtures("acme")
def test_show_an_option(leyden: Leyden) -> None:
    out = leyden("show", "patience")[1]
    assert "patience: int = 3" in out and "how long to wait" in out and "always" in out


def test_show_what_is_broken(acme: FakeDists, leyden: Leyden) -> None:
    acme(
        "acme-broken",
        {"leyden.callbacks": {"crash": "acme_broken:X"}},
        {"acme_broken": "import no_such_module"},
    )
    out = leyden("show", "crash")[1]
    assert re.search(r"state: +broken", out) and "no_such_module" in out


@pytest.mark.usefixtures("acme")
def test_show_what_is_not_there(leyden: Leyden) -> None:
    status, err = leyden("show", "countr")
    assert status == 2 and "Did you mean 'counter'?" in err


@pytest.mark.usefixtures("acme")
def test_check_what_is_right(leyden: Leyden) -> None:
    status, out = leyden("check", "counter", "acme-hooks", "patience")
    assert status == 0
    assert [line.split("\t")[2] for line in out.splitlines()] == ["ok"] * 3


BROKEN = {
    "a missing module": ("import no_such_module", "no_such_module"),
    "a syntax error": ("def", "SyntaxError"),
    "an exit": ("raise SystemExit(3)", "SystemExit"),
    "no such attribute": ("", "has no attribute 'Thing'"),
    "no callback": ("class Thing: pass", "Make it a subclass of leyden.api.callback.Callback"),
    "no class": ("Thing = 3", "Make it a subclass"),
    "a misspelled hook": (
        "from leyden.api.callback import Callback\nclass Thing(Callback):\n    def on_train_and(self, *a): pass",
        "Did you mean 'on_train_end'?",
    ),
    "a missing parameter": (
        "from leyden.api.callback import Callback\nclass Thing(Callback):\n    def on_train_end(self, trainer): pass",
        "Take the same parameters",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_check_says_what_is_broken_and_how_to_mend_it(
    what: str, fake_dist: FakeDists, leyden: Leyden
) -> None:
    source, expected = BROKEN[what]
    entry = {"leyden.callbacks": {"thing": "acme_thing:Thing"}}
    fake_dist("acme-thing", entry, {"acme_thing": source}, requires=KERNEL)
    status, out = leyden("check", "thing")
    assert status == 1
    name, family, verdict, owner, _, problem = out.rstrip("\n").split("\t")
    assert (name, family, verdict, owner) == ("thing", "callback", "broken", "acme-thing")
    assert expected in problem


def test_check_reports_missing_requirements(fake_dist: FakeDists, leyden: Leyden) -> None:
    entry = {"leyden.callbacks": {"thing": "acme_thing:Counter"}}
    requires = [*KERNEL, "no-such-distribution>=2", "pytest<1"]
    fake_dist("acme-thing", entry, {"acme_thing": CALLBACK}, requires=requires)
    status, out = leyden("check", "thing")
    assert status == 1
    assert "pip install 'no-such-distribution>=2'" in out and "It requires pytest<1" in out


def test_check_reports_two_owners_of_a_name(acme: FakeDists, leyden: Leyden) -> None:
    acme("acme-twin", {"leyden.callbacks": {"counter": "acme_counter:Counter"}}, {}, requires=KERNEL)
    status, out = leyden("check", "acme-counter:counter")
    assert status == 1 and "acme-twin offers the same name" in out


def test_check_reports_what_may_not_run(
    acme: FakeDists, leyden: Leyden, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme("acme-old", {"leyden.callbacks": {"old": "acme_old:X"}}, {}, requires=["leyden-kernel<0.1"])
    status, out = leyden("check", "old")
    assert status == 1 and "pip install --upgrade acme-old" in out
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "acme-counter")
    assert leyden("check", "counter")[0] == 1


def test_one_broken_plugin_does_not_hide_the_others(acme: FakeDists, leyden: Leyden) -> None:
    acme(
        "acme-broken",
        {"leyden.callbacks": {"crash": "acme_broken:X"}},
        {"acme_broken": "raise SystemExit(1)"},
    )
    status, out = leyden("check", "crash", "counter")
    assert status == 1
    assert [line.split("\t")[2] for line in out.splitlines()] == ["broken", "ok"]


def test_the_reference_has_every_hook(leyden: Leyden) -> None:
    status, out = leyden("hooks")
    assert status == 0 and out == reference()
    for name, event in EVENTS.items():
        assert f"### `{name}`" in out
        assert f"{name}({', '.join(event.params)})" in out


def test_every_hook_has_all_fields() -> None:
    for event in EVENTS.values():
        summary, fields = parsed(event.doc)
        assert summary, event.name
        assert list(fields) == ["When", "Order", "Ranks", "Returns", "Since"], event.name
        assert all(fields.values()), event.name


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_an_aligned_table_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    table.write(("name", "state"), [("short", "found"), ("much longer", "broken")], out)
    text = out.getvalue()
    assert "\x1b[32mfound" in text and "\x1b[31mbroken" in text
    plain = re.sub(r"\x1b\[\d+m", "", text).splitlines()
    assert [line.rstrip() for line in plain] == [
        "name         state",
        "short        found",
        "much longer  broken",
    ]


def test_sentences_stand_below_their_rows_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [("short", "broken", "its import failed. Update it."), ("other", "ok", "")]
    texts = []
    for width in ("80", "24"):
        monkeypatch.setenv("COLUMNS", width)
        out = Terminal()
        table.write(("name", "state", "problem"), rows, out, prose=True)
        texts.append(out.getvalue())
    assert texts[0].splitlines()[1] == "short  broken  its import failed. Update it."
    assert texts[1] == "name   state\nshort  broken\n    its import failed.\n    Update it.\nother  ok\n"


def test_many_of_one_distribution_are_one_row_for_a_person(
    fake_dist: FakeDists, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"metric{number}": "acme_many:Metric" for number in range(MANY + 1)}
    fake_dist("acme-many", {"leyden.metrics": many}, {"acme_many": "class Metric: pass"}, requires=KERNEL)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    assert main(["plugins", "list"]) == main(["plugins", "list", "--family", "metric"]) == 0
    found = [line for line in terminal.getvalue().splitlines() if "acme-many" in line]
    assert f"({MANY + 1}: --family metric)" in found[0]
    assert len(found) == 1 + MANY + 1


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_switched_off(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    out = Terminal()
    table.write(("name", "state"), [("short", "found")], out)
    assert out.getvalue() == "name   state\nshort  found\n"


def test_an_empty_table_has_its_header() -> None:
    out = Terminal()
    table.write(("name", "state"), [], out)
    assert "name" in out.getvalue()
