"""A signal saves a checkpoint and ends the process, and the same program goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import leyden
from leyden.errors import ConfigurationError
from leyden.testing import TinyModule
from leyden.testing.tiny import TinyData
from leyden_preemption import Preempted
from leyden_preemption.plugin import place, wanted

PROGRAM = """
import json, os, signal, sys, torch, leyden
from leyden.testing.tiny import TinyData

class Model(leyden.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.seen = []
    def training_step(self, batch, batch_idx):
        if self.trainer.current_epoch == int(sys.argv[1]) and batch_idx == 0:
            os.kill(os.getpid(), getattr(signal, sys.argv[2]))
        self.seen.append([self.trainer.current_epoch, batch_idx])
        x, y = batch
        loss = (torch.nn.functional.dropout(self.layer(x), 0.2) - y).square().mean()
        self.log("loss", loss, on_epoch=True)
        return loss
    def validation_step(self, batch, batch_idx):
        self.log("val", self.layer(batch[0]).sum())
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.1)

leyden.seed_everything(1, verbose=False)
model = Model()
trainer = leyden.Trainer(max_epochs=4, enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1)
trainer.fit(model, datamodule=TinyData(), ckpt_path="auto")
weights = [one.flatten().tolist() for one in model.parameters()]
print(json.dumps([model.seen, weights, {k: float(v) for k, v in trainer.callback_metrics.items()}]))
"""


def program(folder: Path, when: int, name: str = "SIGTERM", **environment: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(when), name],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    ended, found = program(tmp_path_factory.mktemp("whole"), -1)
    assert ended == 0
    return found


@pytest.mark.multiprocess
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGUSR1", 128 + signal.SIGUSR1)])
def test_a_signal_ends_the_process_and_the_program_goes_on_as_if_nothing_had_been(
    name: str, status: int, whole: Any, tmp_path: Path
) -> None:
    ended, said = program(tmp_path, 2, name)
    assert ended == status
    assert f"{name} ends the fit" in said and "preempted.ckpt" in said
    ended, resumed = program(tmp_path, -1)
    assert ended == 0
    assert resumed[0] == whole[0][5:]
    assert resumed[1:] == whole[1:]


class Killing(leyden.Callback):
    """Sends a signal in a hook."""

    def __init__(self, hook: str, number: int = signal.SIGTERM) -> None:
        setattr(self, hook, lambda *_: os.kill(os.getpid(), number))
        self.batches = 0

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.batches += 1


def trainer(folder: Path, callback: Any, **keywords: Any) -> leyden.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return leyden.Trainer(max_epochs=2, default_root_dir=folder, callbacks=[callback], **quiet, **keywords)


@pytest.mark.parametrize(
    ("hook", "batches"), [("on_fit_start", 0), ("on_train_epoch_start", 1), ("on_validation_start", 0)]
)
def test_where_it_ends(hook: str, batches: int, tmp_path: Path) -> None:
    killing = Killing(hook)
    made = trainer(tmp_path, killing)
    with pytest.raises(Preempted) as caught:
        made.fit(TinyModule(), datamodule=TinyData())
    assert (caught.value.code, killing.batches) == (143, batches)
    assert (caught.value.path is not None) == bool(batches)
    assert [one.name for one in (tmp_path / "checkpoints").rglob("preempted.ckpt")] == ["preempted.ckpt"] * (
        batches > 0
    )
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert made.interrupted


def test_nothing_listens_to_steps_without_a_signal(tmp_path: Path) -> None:
    class Looking(leyden.Callback):
        def on_train_start(self, trainer: Any, module: Any) -> None:
            hooks = [one.hooks for one in trainer.session.manager.participants if "preemption" in one.name]
            assert hooks and all("on_train_batch_end" not in one for one in hooks)

    trainer(tmp_path, Looking(), enable_checkpointing=False).fit(TinyModule(), datamodule=TinyData())


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_handlers_of_others_stay(handler: Any, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, handler)
    try:
        killing = Killing("on_train_epoch_start")
        trainer(tmp_path, killing).fit(TinyModule(), datamodule=TinyData())
        assert killing.batches == 4
        assert signal.getsignal(signal.SIGTERM) == handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_and_other_calls_are_left_alone(tmp_path: Path) -> None:
    class Looking(leyden.Callback):
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def setup(self, trainer: Any, module: Any, stage: str) -> None:
            self.seen.append(signal.getsignal(signal.SIGTERM))

    looking = Looking()
    made = trainer(tmp_path, looking)
    thread = threading.Thread(target=lambda: made.fit(TinyModule(), datamodule=TinyData()))
    thread.start()
    thread.join()
    made.validate(TinyModule(), datamodule=TinyData())
    assert looking.seen == [signal.SIG_DFL] * 2


def test_signals_are_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wanted() == [signal.SIGTERM, signal.SIGUSR1]
    monkeypatch.setenv("LEYDEN_PREEMPTION_SIGNALS", " SIGUSR2 ,")
    assert wanted() == [signal.SIGUSR2]
    monkeypatch.setenv("LEYDEN_PREEMPTION_SIGNALS", "")
    assert wanted() == []
    for wrong in ("TERM", "SIGKILL", "SIGNALS"):
        monkeypatch.setenv("LEYDEN_PREEMPTION_SIGNALS", wrong)
        with pytest.raises(ConfigurationError, match=f"LEYDEN_PREEMPTION_SIGNALS='{wrong}'"):
            wanted()


def test_the_file_stands_beside_those_of_the_callback(tmp_path: Path) -> None:
    callback = leyden.callbacks.ModelCheckpoint(tmp_path / "kept")
    assert place(trainer(tmp_path, callback)) == str(tmp_path / "kept" / "preempted.ckpt")
    none = trainer(tmp_path, Killing("setup"), enable_checkpointing=False)
    assert place(none) == str(tmp_path / "checkpoints" / "preempted.ckpt")
