from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from leyden.cli import main
from leyden_tuner_optuna.suggestion import parsed

TUNE = ["tune", "studied_for_tests:Line", "--data", "studied_for_tests:Numbers", "--no-progress"]
RATE = ["-p", "lr=1e-3..0.5:log"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lr=1e-4..1e-1:log", FloatDistribution(1e-4, 1e-1, log=True)),
        ("width=8..64:8", IntDistribution(8, 64, step=8)),
        ("layers=1..4", IntDistribution(1, 4)),
        ("n=1..64:log", IntDistribution(1, 64, log=True)),
        ("p=0.0..0.5:0.1", FloatDistribution(0, 0.5, step=0.1)),
        ("act=relu,tanh", CategoricalDistribution(["relu", "tanh"])),
        ("bias=true,false", CategoricalDistribution([True, False])),
        ("size=4,8", CategoricalDistribution([4, 8])),
    ],
)
def test_specs(text: str, wanted: Any) -> None:
    assert parsed(text) == (text.partition("=")[0], wanted)


@pytest.mark.parametrize("text", ["lr", "=1", "lr=a..b", "lr=2..1", "lr=1..2:often", "lr=0..1:log"])
def test_wrong_specs_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=LOW"):
        parsed(text)


def test_a_study_from_the_command_line(
    studied: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--monitor", "val_loss", "--trials", "3", "--seed", "1", "--trainer", "max_epochs=2",
        "--storage", "study.journal", "--study", "s", "--plots", "plots",
    ]  # fmt: skip
    assert main([*TUNE, *RATE, *options]) == 0
    out = capsys.readouterr().out
    assert "study s: " in out and "val_loss=" in out and "  lr = " in out
    assert (tmp_path / "plots" / "history.html").exists()
    assert main([*TUNE, *RATE, *options]) == 2
    assert main([*TUNE, *RATE, *options, "--resume"]) == 0


@pytest.mark.multiprocess
def test_two_metrics_in_two_processes(studied: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "-p", "width=1..8", "-p", "data.batch_size=4,8", "--monitor", "val_loss", "--monitor", "width",
        "--direction", "minimize", "--direction", "maximize", "--trials", "2", "--jobs", "2",
        "--trainer", "max_epochs=1",
    ]  # fmt: skip
    assert main([*TUNE, *RATE, *options]) == 0
    assert "2 complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "lr", "--trials", "1"], "--param"),
        ([*RATE], "n_trials"),
        ([*RATE, "--trials", "0"], "n_trials"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], said: str, studied: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TUNE, "--monitor", "val_loss", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_module_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "nothing", *RATE, "--monitor", "a", "--trials", "1"]) == 2
    assert "PKG:MODEL" in capsys.readouterr().err
