"""Kill -9 at any instant of a fit that saves after every step, and go on from what is left.

``python -m tests.resume.kills FOLDER COUNT [torch|async|distributed|fsspec [SEED]]`` prints what was found, as JSON;
and to stderr, after each fifty kills, what was found so far. With ``async`` the last save may be under way when the
next step begins, so the one before it is what was promised.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

import leyden
from leyden.callbacks import ModelCheckpoint
from leyden.plugins.components import resolve
from tests.resume.modules import import_what

WIDTH = 600  # a checkpoint of about 4 MB, so that many kills hit a write
SLOWEST = 0.4


class Model(leyden.LightningModule):
    """Tells each step that was saved."""

    def __init__(self, tell: int) -> None:
        super().__init__()
        self.net = torch.nn.Linear(WIDTH, WIDTH)
        self.tell = tell

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        loss: torch.Tensor = self.net(batch[0]).square().mean()
        return loss

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        os.write(self.tell, f"{self.trainer.global_step}\n".encode())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 1e-6)


def train(folder: Path, tell: int, io: str, steps: int = -1) -> None:
    """Fit for ever, going on with what is there; or so many steps."""
    warnings.simplefilter("ignore")
    keeping = ModelCheckpoint(folder, every_n_train_steps=1, save_top_k=1, save_last=True)
    trainer = leyden.Trainer(
        max_epochs=-1,
        max_steps=steps,
        default_root_dir=folder,
        callbacks=[keeping],
        plugins=[resolve("checkpoint_ios", io)()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = DataLoader(TensorDataset(torch.ones(40, WIDTH)), batch_size=4, shuffle=True)
    trainer.fit(Model(tell), data, ckpt_path="auto")


def trial(folder: Path, chance: random.Random, io: str) -> int:
    """One kill; the last step that was saved for certain."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        train(folder, writing, io)
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as told:
        first = told.read(1)  # the fit has begun
        time.sleep(chance.uniform(0.0, SLOWEST))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines = (first + told.read()).split()
    return int(lines[-1]) if lines else -1


def damaged(folder: Path, io: str) -> tuple[list[str], int]:
    """The files that bear a checkpoint's name and do not load, and the newest step among the others.

    Of those that load, the older ones are removed: a kill between a save and the removal of the file before leaves one.
    """
    reader = resolve("checkpoint_ios", "torch" if io == "async" else io)()
    bad, steps = [], {}
    for file in folder.glob("*.ckpt"):
        try:
            steps[file] = int(reader.load_checkpoint(file)["global_step"])
        except Exception as error:
            bad.append(f"{file.name}: {error}")
    newest = max(steps.values(), default=-1)
    for file, step in steps.items():
        if step < newest and file.name != "last.ckpt":
            reader.remove_checkpoint(file)
    return bad, newest


def trials(folder: Path, count: int, io: str = "torch", seed: int | str = 0) -> dict[str, Any]:
    """Kill a fit so often; ``most hidden`` is how many unfinished files were there at once."""
    chance, under_way = random.Random(seed), int(io == "async")
    found: dict[str, Any] = {"kills": 0, "damaged": [], "lost": [], "in a write": 0, "did not resume": 0}
    found["most hidden"] = 0
    before = -1
    with open(os.devnull, "w") as nobody, tempfile.TemporaryDirectory(dir=folder) as first:
        import_what(lambda: train(Path(first), nobody.fileno(), io, steps=2), Path(first))
    for _ in range(count):
        told = trial(folder, chance, io) - under_way
        bad, newest = damaged(folder, io)
        hidden = len(list(folder.glob(".*.tmp")))
        found["kills"] += 1
        found["damaged"] += bad
        found["lost"] += [[told, newest]] if newest < told else []
        found["did not resume"] += told + under_way < before
        found["in a write"] += hidden > 0
        found["most hidden"] = max(found["most hidden"], hidden)
        before = max(before, newest)
        if found["kills"] % 50 == 0:
            print(json.dumps(found), file=sys.stderr, flush=True)
    found["steps"] = before
    return found


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    try:
        print(json.dumps(trials(where, int(sys.argv[2]), *sys.argv[3:])))
    finally:
        shutil.rmtree(where)
