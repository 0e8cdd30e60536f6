"""The callbacks and the Trainer keyword, in runs."""

from __future__ import annotations

import builtins
import importlib.util
import re
import sys
from typing import Any

import pytest
import torch

from leyden.errors import ConfigurationError
from leyden.testing import Runner, TinyModule
from leyden_callback_model_summary import ModelSummary, RichModelSummary, option

HEADINGS = r"^  \| Name  \| Type   \| Params \| Mode  \| FLOPs *$"


def summaries(outcome: Any) -> list[Any]:
    return [one for one in outcome.trainer.callbacks if isinstance(one, ModelSummary)]


def test_fit_prints_the_table(leyden_run: Runner) -> None:
    text = leyden_run("fit", callbacks=[ModelSummary()]).ok().stdout
    assert re.search(HEADINGS, text, flags=re.MULTILINE)
    assert "0 | layer | Linear | 5      | train | 0" in text
    assert "5         Trainable params" in text


@pytest.mark.parametrize("summary", [ModelSummary, RichModelSummary])
def test_only_fit_prints(leyden_run: Runner, summary: Any) -> None:
    assert "Params" in leyden_run("fit", callbacks=[summary()]).ok().stdout
    assert "Params" not in leyden_run("validate", "test", "predict", callbacks=[summary()]).ok().stdout


@pytest.mark.parametrize("summary", [ModelSummary, RichModelSummary])
def test_a_depth_of_zero_prints_nothing(leyden_run: Runner, summary: Any) -> None:
    assert leyden_run("fit", callbacks=[summary(max_depth=0)]).ok().stdout == ""


def test_a_file_gets_the_frame_as_plain_text(leyden_run: Runner) -> None:
    text = leyden_run("fit", callbacks=[RichModelSummary()]).ok().stdout
    assert re.search(r"0 │ layer │ Linear │ +5 │ train │ +0 │", text)
    assert "Trainable params: 5" in text and "Total FLOPs: 0" in text
    assert "\x1b" not in text


def test_names_with_brackets_are_no_markup(leyden_run: Runner) -> None:
    module = TinyModule()
    module.example_input_array = torch.zeros(2, 4)
    text = leyden_run("fit", callbacks=[RichModelSummary()], module=module).ok().stdout
    assert "[2, 4]" in text and "[2, 1]" in text


def test_training_is_the_same_with_and_without_a_summary(leyden_run: Runner) -> None:
    plain, summarized = TinyModule(), TinyModule()
    summarized.example_input_array = torch.zeros(2, 4)
    leyden_run("fit", module=plain).ok()
    leyden_run("fit", module=summarized, callbacks=[ModelSummary()]).ok()
    assert torch.equal(plain.layer.weight, summarized.layer.weight)


def test_summarize_can_be_overridden_and_take_arguments(leyden_run: Runner) -> None:
    class Own(ModelSummary):
        @staticmethod
        def summarize(data: Any, total: int, *sums: Any, unit: str, **more: Any) -> None:  # type: ignore[override]
            print(dict(data)["Name"], total, unit, len(sums), sorted(more))

    text = leyden_run("fit", callbacks=[Own(unit="numbers")]).ok().stdout
    assert text == "['layer'] 5 numbers 3 ['total_flops']\n"


def test_arguments_that_summarize_does_not_take_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"ModelSummary\(header_style\)='red' is not possible"):
        ModelSummary(header_style="red")
    RichModelSummary(header_style="red")


@pytest.mark.parametrize("summary", [ModelSummary, RichModelSummary])
@pytest.mark.parametrize("depth", [-2, 1.5, "1", None, True])
def test_depths_are_checked(summary: Any, depth: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^max_depth="):
        summary(max_depth=depth)


def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    for module in (sys.modules[RichModelSummary.__module__], option):
        monkeypatch.setattr(module, "find_spec", lambda name, *_: None if name == "rich" else find_spec(name))


def test_without_rich_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_rich(monkeypatch)
    with pytest.raises(ConfigurationError, match="pip install rich"):
        RichModelSummary()


def made(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> type:
    class Trainer:
        callbacks: list[Any]

    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    trainer: Any = Trainer()
    trainer.callbacks = []
    option.EnableModelSummary().apply(True, trainer)
    (summary,) = trainer.callbacks
    return type(summary)


def test_a_terminal_gets_a_frame_where_rich_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, terminal=True) is RichModelSummary
    assert made(monkeypatch, terminal=False) is ModelSummary
    without_rich(monkeypatch)
    assert made(monkeypatch, terminal=True) is ModelSummary


def test_choosing_does_not_import_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def refuse(name: str, *arguments: Any) -> Any:
        assert name.partition(".")[0] != "rich"
        return importing(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert made(monkeypatch, terminal=True) is RichModelSummary


def test_a_trainer_has_a_summary_unless_told_otherwise(leyden_run: Runner) -> None:
    assert len(summaries(leyden_run("fit", enable_model_summary=True).ok())) == 1
    assert summaries(leyden_run("fit", enable_model_summary=False).ok()) == []


def test_the_users_summary_is_the_only_one(leyden_run: Runner) -> None:
    own = ModelSummary(max_depth=3)
    for value in (True, False):
        assert summaries(leyden_run("fit", enable_model_summary=value, callbacks=[own]).ok()) == [own]
