"""Keywords of the Trainer: whose they are, what they may be, what is said otherwise."""

from __future__ import annotations

import inspect
import pydoc
from importlib import import_module
from math import inf
from typing import Any

import pytest
from kernel.tests.api.tiny import quiet

from leyden import Callback, Logger, Trainer
from leyden.api.keywords import KEYWORDS, validated
from leyden.errors import ArgumentTypeError, ConfigurationError, LeydenError, PluginConflictError
from leyden.testing import FakeDists

GOOD: list[dict[str, Any]] = [
    *({"max_epochs": value} for value in (0, 1, -1, None)),
    *({"max_steps": value} for value in (0, 5, -1)),
    *({"limit_train_batches": value} for value in (0, 3, 0.0, 0.5, 1.0, 4.0)),
    *({"val_check_interval": value} for value in (1, 0.5, "00:00:01:00", {"minutes": 5})),
    *({"check_val_every_n_epoch": value} for value in (1, 7)),
    *({"fast_dev_run": value} for value in (True, False, 0, 3)),
    {"check_val_every_n_epoch": None, "val_check_interval": 3},
    {"num_sanity_val_steps": -1},
    {"accumulate_grad_batches": 4},
    {"log_every_n_steps": 0},
    {"callbacks": []},
    {"callbacks": Callback()},
    {"logger": []},
]
BAD: list[tuple[str, Any]] = [
    *(("max_epochs", value) for value in (-2, 1.5, "3", True, inf)),
    *(("max_steps", value) for value in (-2, None, 2.5)),
    *(("limit_val_batches", value) for value in (-1, 1.5, "all", True)),
    *(("val_check_interval", value) for value in (0, -1, 1.5, "soon", {"fortnights": 1}, "00:00:00:00")),
    *(("check_val_every_n_epoch", value) for value in (0, 1.5)),
    *(("fast_dev_run", value) for value in (-1, "yes", 2.5)),
    *(("num_sanity_val_steps", value) for value in (-2, 0.5)),
    *(("accumulate_grad_batches", value) for value in (0, {0: 2}, 1.5)),
    *(("log_every_n_steps", value) for value in (-1, "often")),
    *(("num_nodes", value) for value in (0, "two")),
    *(("inference_mode", value) for value in (1, None)),
    *(("callbacks", value) for value in (Callback, "early", 3, [Callback(), object()])),
    *(("logger", value) for value in (Logger, "csv", 3)),
    *(("plugins", value) for value in (3, "amp", object())),
    *(("accelerator", value) for value in (3, "qpu", None)),
    *(("strategy", value) for value in (3, "magic")),
    *(("precision", value) for value in ("12-true", 12)),
    *(("devices", value) for value in (0, "none")),
]  # fmt: skip


@pytest.mark.parametrize("options", GOOD, ids=lambda value: type(value).__name__)
def test_what_may_be_given(options: dict[str, Any]) -> None:
    trainer = quiet(**options)
    for name, value in options.items():
        if name in (
            "check_val_every_n_epoch",
            "accumulate_grad_batches",
            "log_every_n_steps",
            "val_check_interval",
        ):
            assert getattr(trainer, name) == value or isinstance(value, str | dict)


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda value: type(value).__name__)
def test_what_may_not_be_given_is_refused_with_keyword_and_value(name: str, value: Any) -> None:
    with pytest.raises(LeydenError) as caught:
        quiet(**{name: value})
    assert name.rstrip("s").removeprefix("accelerato") in str(caught.value)
    assert isinstance(caught.value, ValueError | TypeError)


def test_limits_as_the_loop_reads_them() -> None:
    trainer = quiet(max_epochs=-1, max_steps=7, min_epochs=2, min_steps=3)
    limits = trainer.run_state.limits
    assert (limits.max_epochs, limits.max_steps, limits.min_epochs, limits.min_steps) == (inf, 7, 2, 3)
    assert (trainer.max_epochs, trainer.max_steps) == (-1, 7)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"min_epochs": 3, "max_epochs": 2}, "min_epochs=3"),
        ({"min_steps": 3, "max_steps": 2}, "min_steps=3"),
        ({"check_val_every_n_epoch": None, "val_check_interval": 0.5}, r"val_check_interval=0\.5"),
        ({"barebones": True, "logger": True}, "barebones=True is not possible with logger=True"),
        ({"barebones": True, "fast_dev_run": 2}, "barebones=True is not possible with fast_dev_run=2"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_contradictions_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        quiet(**options)


def test_keywords_are_keywords() -> None:
    with pytest.raises(ArgumentTypeError, match="takes keywords alone"):
        Trainer(5)


def test_the_environment_gives_what_code_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_TRAINER_MAX_STEPS", "7")
    monkeypatch.setenv("PL_TRAINER_MAX_EPOCHS", "9")
    trainer = quiet(max_epochs=2)
    assert (trainer.max_steps, trainer.max_epochs) == (7, 2)


def test_numpy_numbers_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert quiet(max_epochs=numpy.int64(3)).max_epochs == 3
    assert validated("x", numpy.float32(0.5), float, "a float") == 0.5


# -- keywords of plugins --------------------------------------------------------------------------------------------

OPTION = """
from leyden.interfaces import Option

class Warp(Option):
    default = None
    annotation = int | None
    doc = "how fast"

    def validate(self, value, given):
        return value

    def apply(self, value, trainer):
        trainer.warp_factor = value

class Always(Warp):
    default = 1
"""
POINTS = {"warp": "acme_warp:Warp", "always": "acme_warp:Always"}


@pytest.fixture
def warp(fake_dist: FakeDists) -> None:
    """An installed distribution that owns two keywords, one of which takes part always."""
    points = {"leyden.options": POINTS, "leyden.defaults": {"always": POINTS["always"]}}
    fake_dist("acme-warp", points, {"acme_warp": OPTION}, version="2.0")


@pytest.mark.usefixtures("warp")
def test_an_installed_keyword_is_a_keyword() -> None:
    assert quiet().warp_factor == 1  # type: ignore[attr-defined]
    assert quiet(warp=9).warp_factor == 9  # type: ignore[attr-defined]
    with pytest.raises(ArgumentTypeError, match="warp='fast' is not possible"):
        quiet(warp="fast")
    with pytest.raises(ArgumentTypeError, match=r"no keyword 'wrap'. Did you mean 'warp'"):
        quiet(wrap=3)


@pytest.mark.usefixtures("warp")
def test_signature_and_docstring_show_every_keyword_with_its_owner() -> None:
    parameters = inspect.signature(Trainer).parameters
    assert set(KEYWORDS) < set(parameters)
    assert {one.kind for one in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert parameters["max_epochs"].default is None
    assert (parameters["warp"].default, parameters["warp"].annotation) == (None, int | None)
    assert "warp (default None): how fast [acme-warp 2.0]" in (Trainer.__doc__ or "")
    assert all(f"{name} (default " in (Trainer.__doc__ or "") for name in KEYWORDS)


@pytest.mark.usefixtures("warp")
def test_help_shows_them_too() -> None:
    assert "warp (default None): how fast [acme-warp 2.0]" in pydoc.plain(pydoc.render_doc(Trainer))


def test_without_the_plugin_the_keyword_is_unknown() -> None:
    assert "warp" not in inspect.signature(Trainer).parameters
    with pytest.raises(ArgumentTypeError, match="no keyword 'warp'"):
        quiet(warp=3)


@pytest.mark.usefixtures("warp")
def test_a_subclass_has_the_signature_that_it_writes() -> None:
    class Mine(Trainer):
        def __init__(self, name: str, **keywords: Any) -> None:
            super().__init__(**keywords)

    assert list(inspect.signature(Mine).parameters) == ["name", "keywords"]


def test_a_keyword_of_two_distributions_is_a_conflict(fake_dist: FakeDists) -> None:
    for name in ("acme-warp", "bolt-warp"):
        module = name.replace("-", "_")
        fake_dist(name, {"leyden.options": {"warp": f"{module}:Warp"}}, {module: OPTION})
    with pytest.raises(PluginConflictError, match=r"'warp' is offered by acme-warp 1\.0 and bolt-warp 1\.0"):
        quiet(warp=3)


@pytest.mark.usefixtures("warp")
def test_a_broken_option_leaves_the_signature_alone(fake_dist: FakeDists) -> None:
    points = {"leyden.options": {"broken": "acme_broken:Broken"}}
    fake_dist("acme-broken", points, {"acme_broken": "raise RuntimeError"})
    assert "broken" not in inspect.signature(Trainer).parameters


SETTINGS = """
    from typing import Any, ClassVar
    from pydantic import BaseModel, ConfigDict, Field
    from leyden.interfaces import Option

    class Alarm(BaseModel):
        model_config = ConfigDict(extra="forbid")
        above: float
        every: int = Field(default=1, ge=1)

    class AlarmOption(Option):
        annotation: ClassVar[Any] = Alarm | None
        doc = "an alarm"
        def validate(self, value, given): return value
        def apply(self, value, trainer): trainer.alarm = value
"""


@pytest.fixture
def alarm(fake_dist: FakeDists) -> None:
    entries = {"leyden.options": {"alarm": "acme_alarm:AlarmOption"}}
    fake_dist("acme-alarm", entries, {"acme_alarm": SETTINGS}, requires=["leyden-kernel~=0.1.0"])


@pytest.mark.usefixtures("alarm")
def test_a_dict_of_settings_becomes_the_model_beside_the_option() -> None:
    assert quiet(alarm={"above": 2.0}).alarm.every == 1
    given = import_module("acme_alarm").Alarm(above=1.0)
    assert quiet(alarm=given).alarm == given


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"above": 2.0, "every": 0}, "where every: Input should be greater than or equal to 1"),
        ({}, "where above: Field required"),
        ({"above": 2.0, "evry": 1}, "where evry: Extra inputs are not permitted"),
        ({"above": "high"}, "where above: Input should be a valid number"),
        (3, r"alarm=3 is not possible: allowed is .*Alarm"),
    ],
)
def test_what_is_wrong_with_settings_is_told_by_field(value: object, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        quiet(alarm=value)
