"""leyden_run: what an outcome says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import ArgumentTypeError
from leyden.testing import Runner, TinyModule
from leyden.testing.tiny import trained_by_hand


class Do(Callback):
    """Does something when training starts."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action = action

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.result = self.action()


def test_a_run_trains(leyden_run: Runner) -> None:
    outcome = leyden_run(allowed=(), max_epochs=2).ok()
    assert {"train_loss", "val_loss"} <= outcome.metrics.keys()
    assert (outcome.left, outcome.settings, outcome.files) == ([], [], [])
    for name, weight in trained_by_hand(epochs=2).items():
        assert torch.equal(outcome.module.state_dict()[name], weight)


@pytest.mark.parametrize(
    ("stage", "hook"),
    [("validate", "on_validation_end"), ("test", "on_test_end"), ("predict", "on_predict_end")],
)
def test_every_stage_runs(stage: str, hook: str, leyden_run: Runner) -> None:
    outcome = leyden_run(stage, allowed=()).ok()
    assert hook in outcome.events and "on_fit_start" not in outcome.events
    assert outcome.result


def test_stages_share_a_trainer(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", "test", allowed=()).ok()
    assert outcome.events.count("leyden_run_start") == 2
    assert "test_loss" in outcome.metrics
    assert "test_loss" in outcome.stdout


def test_an_exception_is_an_outcome(leyden_run: Runner) -> None:
    outcome = leyden_run(module=TinyModule(fail_in="training_step", error=ZeroDivisionError), allowed=())
    assert type(outcome.exception) is ZeroDivisionError
    with pytest.raises(ZeroDivisionError, match="raised in training_step"):
        outcome.ok()
    assert "on_exception" in outcome.events


def test_a_trainer_that_cannot_be_made_is_an_outcome(leyden_run: Runner) -> None:
    outcome = leyden_run(no_such_keyword=1, allowed=())
    assert isinstance(outcome.exception, ArgumentTypeError)
    assert outcome.trainer is None and outcome.events == []


def test_files_are_seen(leyden_run: Runner, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    actions: list[Callable[[], Any]] = [
        lambda: Path("here.txt").write_text("x"),
        lambda: Path("old.txt").write_text("changed"),
        lambda: tempfile.NamedTemporaryFile(suffix="kept", delete=False).close(),
    ]
    outcome = leyden_run(callbacks=[Do(action) for action in actions], allowed=()).ok()
    assert "here.txt" in outcome.files and "old.txt" in outcome.files
    assert len(outcome.files) == 3 and any(name.endswith("kept") for name in outcome.files)


def test_what_is_printed_and_warned_is_seen(leyden_run: Runner) -> None:
    def action() -> None:
        print("to stdout")
        print("to stderr", file=sys.stderr)
        warnings.warn("a warning", UserWarning, stacklevel=1)

    outcome = leyden_run(callbacks=Do(action), allowed=()).ok()
    assert (outcome.stdout, outcome.stderr) == ("to stdout\n", "to stderr\n")
    assert "a warning" in outcome.warnings


def test_threads_are_seen(leyden_run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leyden.testing.footprint.GRACE", 0.01)
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="left-behind")
    outcome = leyden_run(callbacks=Do(thread.start), allowed=()).ok()
    done.set()
    thread.join()
    assert outcome.left == outcome.threads == ["thread 'left-behind'"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="the system does not list processes as files")
def test_processes_and_open_files_are_seen(leyden_run: Runner, tmp_path: Path) -> None:
    child = Do(lambda: subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
    file = Do(lambda: (tmp_path / "open.txt").open("w"))
    outcome = leyden_run(callbacks=[child, file], allowed=()).ok()
    child.result.communicate(b"\n")
    file.result.close()
    assert outcome.processes == [f"process {child.result.pid}"]
    assert f"open {tmp_path / 'open.txt'}" in outcome.handles


def test_settings_are_seen(leyden_run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME", "before")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def action() -> None:
        os.environ["ACME"] = "after"
        os.environ["ACME_NEW"] = "1"
        sys.path.append("somewhere")
        torch.set_default_dtype(torch.float64)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    handler = signal.getsignal(signal.SIGTERM)
    outcome = leyden_run(callbacks=Do(action), allowed=()).ok()
    signal.signal(signal.SIGTERM, handler)
    torch.set_default_dtype(torch.float32)
    monkeypatch.delenv("ACME_NEW")
    text = "\n".join(outcome.settings)
    for name in ("'ACME'", "'ACME_NEW'", "sys.path", "default dtype", "SIGTERM"):
        assert name in text
    assert len(outcome.settings) == 5


def test_the_process_says_it_has_another_rank(leyden_run: Runner) -> None:
    trainer = leyden_run(rank=2, allowed=()).ok().trainer
    assert (trainer.global_rank, trainer.world_size, trainer.is_global_zero) == (2, 3, False)


def test_a_run_resumes(leyden_run: Runner, tmp_path: Path) -> None:
    first = leyden_run("fit", allowed=()).ok()
    first.trainer.save_checkpoint(tmp_path / "a.ckpt")
    second = leyden_run("fit", allowed=(), ckpt_path=tmp_path / "a.ckpt", max_epochs=2).ok()
    assert second.trainer.global_step == 2 * first.trainer.global_step == 4
    for name, weight in trained_by_hand(epochs=2).items():
        assert torch.equal(second.module.state_dict()[name], weight)


def test_the_environment_is_put_back(leyden_run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS", "leyden-acme")
    place = os.getcwd()
    leyden_run(allowed=["leyden-other"])
    assert (os.environ["LEYDEN_PLUGINS"], os.getcwd(), tempfile.tempdir) == (
        "leyden-acme",
        place,
        tempfile.tempdir,
    )
