"""What a trace says, and what it leaves alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from leyden import Callback, LightningModule, Trainer
from leyden.loggers import CSVLogger
from leyden_option_trace import tracer

PROGRAM = """
import sys

import torch
from leyden import LightningModule, Trainer


class Model(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def training_step(self, batch):
        return self.layer(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


print(sys.argv[1:])
silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
data = torch.utils.data.DataLoader(torch.zeros(6, 4), batch_size=2)
Trainer(max_epochs=int(sys.argv[2]), logger=False, accelerator="cpu", **silent).fit(Model(), data)
"""


class Sleeps(Callback):
    """Two of these are told apart by their arguments."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    @property
    def state_key(self) -> str:
        return self._generate_state_key(seconds=self.seconds)

    def on_train_batch_end(self, *_: Any) -> None:
        time.sleep(self.seconds)


class Fails(Callback):
    def on_train_batch_end(self, *_: Any) -> None:
        raise KeyError("no")


class Model(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return self.layer(batch).sum()

    def on_before_backward(self, loss: Any) -> None:
        time.sleep(0.004)

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.layer(batch)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def data() -> DataLoader[Any]:
    return DataLoader(torch.zeros(10, 4), batch_size=2)


def traced(folder: Path, trace: Any = True, callbacks: Any = ()) -> Trainer:
    silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    few = {"max_epochs": 1, "logger": False, "default_root_dir": folder, "accelerator": "cpu"}
    trainer = Trainer(trace=trace, callbacks=list(callbacks), **silent, **few)
    trainer.fit(Model(), data())
    return trainer


def rows(path: Path) -> dict[tuple[str, str], list[str]]:
    """The numbers of a table by owner and hook."""
    found = {}
    for line in path.read_text().splitlines()[3:-1]:
        cells = [one for one in line.split("  ") if one.strip()]
        found[cells[0].strip(), cells[1].strip()] = [one.strip() for one in cells[2:]]
    return found


class Slow(CSVLogger):
    """Opens and closes slowly, as loggers with a server do."""

    def start(self) -> None:
        time.sleep(0.01)
        super().start()

    def finalize(self, status: str) -> None:
        time.sleep(0.01)
        super().finalize(status)


def test_opening_and_closing_of_loggers_are_measured(tmp_path: Path) -> None:
    silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(
        max_epochs=1, logger=[Slow(tmp_path), CSVLogger(tmp_path)], trace=str(tmp_path), accelerator="cpu", **silent
    )  # fmt: skip
    trainer.fit(Model(), data())
    found = rows(tmp_path / "fit.txt")
    for name in ("start", "leyden_finalize"):
        assert float(found["[Logger]Slow", name][1]) >= 10
    assert found["[Logger]CSVLogger", "start"][-1].startswith("leyden-logger-csv")
    assert found["[Logger]CSVLogger", "leyden_finalize"][-1].startswith("leyden-logger-csv")
    assert found["[Strategy]SingleDeviceStrategy", "training_step"][-1].startswith("leyden-strategy")
    assert "start" not in vars(trainer.loggers[0])


def test_the_table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        traced(tmp_path, callbacks=[Sleeps(0.002), Sleeps(0.001)])
    found = rows(tmp_path / "trace/fit.txt")
    first, second = (found[f"[Callback]Sleeps{number}", "on_train_batch_end"] for number in ("", " 2"))
    assert first[0] == second[0] == "5"
    assert float(first[1]) >= 10 and float(second[1]) >= 5
    backward = found["[Strategy]SingleDeviceStrategy", "backward"]
    assert float(backward[2]) - float(backward[1]) >= 20, "the hook's time is not backward's own"
    assert "(not measured)" in (tmp_path / "trace/fit.txt").read_text()
    assert "[Callback]Sleeps" in caplog.text


def test_own_times_add_up(tmp_path: Path) -> None:
    traced(tmp_path, callbacks=[Sleeps(0.001)])
    shares = [
        float(line.partition(" %")[0].split()[-1])
        for line in (tmp_path / "trace/fit.txt").read_text().splitlines()
        if " %" in line
    ]
    assert sum(shares) == pytest.approx(100, abs=0.1 * len(shares))


def test_the_files(tmp_path: Path) -> None:
    trainer = traced(tmp_path, tmp_path / "here", callbacks=[Sleeps(0.0)])
    trainer.test(Model(), data(), verbose=False)
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert names == [f"{stage}.{kind}" for stage in ("fit", "test") for kind in ("json", "png", "txt")]
    events = json.loads((tmp_path / "here/fit.json").read_text())["traceEvents"]
    named = [one for one in events if one["name"].endswith("run_training_batch")]
    assert len(named) == 5 and all(one["ph"] == "X" and one["dur"] > 0 for one in named)
    starts = [one["ts"] for one in named]
    assert starts == sorted(starts)
    assert (tmp_path / "here/fit.png").read_bytes().startswith(b"\x89PNG")


def test_long_runs_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracer, "MOST_EVENTS", 7)
    traced(tmp_path)
    assert len(json.loads((tmp_path / "trace/fit.json").read_text())["traceEvents"]) == 7
    assert "are not in it" in (tmp_path / "trace/fit.txt").read_text()


def test_a_failed_run_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        traced(tmp_path, callbacks=[Fails()])
    assert rows(tmp_path / "trace/fit.txt")["[Callback]Fails", "on_train_batch_end"][0] == "1"


def test_off_binds_nothing(tmp_path: Path) -> None:
    trainer = traced(tmp_path, False)
    assert not (tmp_path / "trace").exists()
    assert not [one for one in trainer.running.manager.participants if type(one.target) is tracer.Tracer]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from leyden.cli.app import main

    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    assert main(["plugins", "trace", "--folder", str(tmp_path / "t"), str(script), "--epochs", "1"]) == 0
    assert capsys.readouterr().out.startswith("['--epochs', '1']")
    assert rows(tmp_path / "t/fit.txt")["(loop)", "run_training_batch"][0] == "3"
    assert main(["plugins", "trace", str(tmp_path / "none.py")]) == 2
    assert "a Python file" in capsys.readouterr().err


def test_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_TRAINER_TRACE", "True")
    silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    Trainer(max_epochs=1, logger=False, default_root_dir=tmp_path, **silent).fit(Model(), data())
    assert (tmp_path / "trace/fit.txt").exists()
