from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import TinyModule
from leyden_option_reproducibility import Benchmark, DetectAnomaly, Deterministic
from leyden_option_reproducibility.settings import Settings

from .conftest import ORDINARY, Looking, flags, set_flags

ON = {"deterministic": True, "inductor": True, "cublas": ":4096:8"}
CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"deterministic": True}, ON),
    ({"deterministic": "warn"}, {**ON, "warn_only": True}),
    ({"deterministic": False}, {}),
    ({"deterministic": None, "benchmark": None, "detect_anomaly": None}, {}),
    ({"benchmark": True}, {"benchmark": True}),
    ({"benchmark": False}, {}),
    ({"deterministic": True, "benchmark": False}, ON),
    ({"deterministic": False, "benchmark": True}, {"benchmark": True}),
    ({"detect_anomaly": True}, {"anomaly": True}),
    ({"detect_anomaly": False}, {}),
    (
        {"benchmark": True, "detect_anomaly": True, "deterministic": False},
        {"benchmark": True, "anomaly": True},
    ),
]
UNUSUAL = {
    "deterministic": True,
    "warn_only": True,
    "inductor": False,
    "benchmark": True,
    "anomaly": True,
    "check_nan": False,
    "cublas": ":16:8",
}


@pytest.mark.parametrize(("keywords", "changes"), CASES, ids=repr)
def test_flags_hold_in_the_whole_run_and_are_given_back(
    leyden_run: Any, keywords: dict[str, Any], changes: dict[str, Any]
) -> None:
    looking = Looking()
    leyden_run("fit", "validate", "test", "predict", callbacks=[looking], **keywords).ok()
    assert set(looking.seen) == set(looking.hooks)
    for hook, seen in looking.seen.items():
        assert seen == {**ORDINARY, **changes}, hook
    assert flags() == ORDINARY


UNDER = {
    "deterministic": {"deterministic": True, "warn_only": False, "inductor": True, "benchmark": False},
    "benchmark": {"benchmark": False},
    "detect_anomaly": {"anomaly": False, "check_nan": True},
}


@pytest.mark.parametrize(
    ("keyword", "value"), [("deterministic", True), ("benchmark", False), ("detect_anomaly", False)]
)
def test_what_somebody_else_had_set_comes_back(leyden_run: Any, keyword: str, value: Any) -> None:
    set_flags(UNUSUAL)
    looking = Looking()
    leyden_run("fit", callbacks=[looking], **{keyword: value}).ok()
    assert looking.seen["on_train_batch_start"] == {**UNUSUAL, **UNDER[keyword]}
    assert flags() == UNUSUAL


def test_none_touches_nothing(leyden_run: Any) -> None:
    set_flags(UNUSUAL)
    looking = Looking()
    outcome = leyden_run(
        "fit", callbacks=[looking], deterministic=None, benchmark=None, detect_anomaly=None
    ).ok()
    assert looking.seen["on_train_batch_start"] == UNUSUAL
    assert not any(isinstance(one.target, Settings) for one in outcome.trainer.listeners)


@pytest.mark.parametrize(
    ("value", "during"), [(None, ":4096:8"), (":4096:8", ":4096:8"), (":16:8", ":16:8"), (":0:0", ":4096:8")]
)
def test_the_workspace_of_cublas(leyden_run: Any, value: str | None, during: str) -> None:
    set_flags({**ORDINARY, "cublas": value})
    looking = Looking()
    leyden_run("fit", callbacks=[looking], deterministic=True).ok()
    assert looking.seen["on_train_batch_start"]["cublas"] == during
    assert flags()["cublas"] == value


FAILING = [
    "leyden_run_start",
    "prepare_data",
    "setup",
    "on_fit_start",
    "on_sanity_check_start",
    "on_train_batch_start",
    "on_validation_start",
    "on_fit_end",
    "teardown",
]


@pytest.mark.parametrize(
    ("hook", "rank"),
    [(hook, 0) for hook in FAILING] + [(hook, 1) for hook in FAILING if hook != "prepare_data"],
)
def test_flags_are_given_back_after_any_exception(leyden_run: Any, hook: str, rank: int) -> None:
    looking = Looking(hook)
    outcome = leyden_run(
        "fit", callbacks=[looking], rank=rank, deterministic=True, benchmark=False, detect_anomaly=True
    )
    assert str(outcome.exception) == f"raised in {hook}"
    assert flags() == ORDINARY


class Raising:
    """A listener that is called after the options'."""

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        assert torch.are_deterministic_algorithms_enabled()
        raise RuntimeError("on purpose")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        raise RuntimeError("again")


def test_flags_are_given_back_when_a_later_listener_fails_at_the_start() -> None:
    from leyden import Trainer
    from leyden.interfaces import Precision
    from leyden.testing import HostAccelerator, HostCheckpointIO, HostStrategy, TinyData

    trainer = Trainer(
        accelerator=HostAccelerator(),
        strategy=HostStrategy(),
        plugins=[Precision(), HostCheckpointIO()],
        logger=False,
        max_epochs=1,
        deterministic=True,
    )
    trainer.add_listener(Raising())
    with pytest.raises(RuntimeError, match="on purpose"):
        trainer.fit(TinyModule(), datamodule=TinyData())
    assert flags() == ORDINARY


def test_flags_are_given_back_after_ctrl_c(leyden_run: Any) -> None:
    looking = Looking("on_train_batch_start", KeyboardInterrupt)
    outcome = leyden_run("fit", callbacks=[looking], deterministic=True, detect_anomaly=True).ok()
    assert outcome.trainer.interrupted
    assert flags() == ORDINARY


def test_trainers_are_apart(leyden_run: Any) -> None:
    seen = []
    for value in (True, False, "warn"):
        looking = Looking()
        leyden_run("fit", callbacks=[looking], deterministic=value).ok()
        seen.append(looking.seen["on_fit_start"]["deterministic"])
    assert seen == [True, False, True]


class Nondeterministic(TinyModule):
    """Uses an operation that has no deterministic algorithm, on the CPU neither."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        torch.zeros(2).put_(torch.tensor([0, 0]), torch.ones(2))
        return super().training_step(batch, batch_idx)


def test_what_is_not_deterministic_raises(leyden_run: Any) -> None:
    outcome = leyden_run("fit", module=Nondeterministic(), deterministic=True)
    assert isinstance(outcome.exception, RuntimeError)
    assert "put_ does not have a deterministic implementation" in str(outcome.exception)


def test_what_is_not_deterministic_warns(leyden_run: Any) -> None:
    outcome = leyden_run("fit", module=Nondeterministic(), deterministic="warn").ok()
    assert any("put_ does not have a deterministic implementation" in one for one in outcome.warnings)


def test_what_is_not_deterministic_runs(leyden_run: Any) -> None:
    assert leyden_run("fit", module=Nondeterministic(), deterministic=False).ok().warnings == []


class Infinite(TinyModule):
    """The gradient of its loss is NaN, the loss is not."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return (self.loss(batch) * 0).sqrt()


def test_anomalies_raise(leyden_run: Any) -> None:
    leyden_run("fit", module=Infinite(), detect_anomaly=False).ok()
    outcome = leyden_run("fit", module=Infinite(), detect_anomaly=True)
    assert isinstance(outcome.exception, RuntimeError)
    assert "returned nan values" in str(outcome.exception)


@pytest.mark.parametrize("value", [True, "warn"])
def test_two_wishes_that_contradict(leyden_run: Any, value: Any) -> None:
    looking = Looking()
    outcome = leyden_run("fit", callbacks=[looking], deterministic=value, benchmark=True).ok()
    (said,) = (one for one in outcome.warnings if one.startswith("[deterministic-benchmark]"))
    assert f"deterministic={value!r} with benchmark=True" in said
    seen = looking.seen["on_train_batch_start"]
    assert (seen["deterministic"], seen["benchmark"]) == (True, True)
    assert flags() == ORDINARY


@pytest.mark.parametrize("given", [{"benchmark": False}, {"benchmark": None}, {}])
def test_wishes_that_agree_do_not_warn(given: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Deterministic().validate(True, given) is True
        assert Deterministic().validate(False, {"benchmark": True}) is False


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        (Deterministic, "warning", ConfigurationError),
        (Deterministic, 1, ArgumentTypeError),
        (Deterministic, ["warn"], ArgumentTypeError),
        (Benchmark, "auto", ArgumentTypeError),
        (Benchmark, 0, ArgumentTypeError),
        (DetectAnomaly, 17, ArgumentTypeError),
    ],
)
def test_errors(option: Any, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(ConfigurationError, match="is not possible: allowed is True, ") as caught:
        option().validate(value, {})
    assert type(caught.value) is kind
