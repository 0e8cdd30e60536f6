"""Stop a run at every point where a checkpoint may be saved, resume each in a process of its own, and compare bits.

``python -m tests.resume.stops FOLDER WORKERS WINDOW PROCESSES`` prints, as JSON, how many stop points there are and
what differs from the uninterrupted run, in which hook and turn.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import MeanMetric

import leyden
from tests.resume.modules import import_what

EPOCHS, BATCHES, SIZE = 3, 6, 4
VALIDATE_EVERY = 3
VALIDATIONS = EPOCHS * BATCHES // VALIDATE_EVERY
STOPS = {
    "on_train_start": 1,
    "on_train_epoch_start": EPOCHS,
    "on_train_batch_end": EPOCHS * BATCHES,
    "on_validation_start": VALIDATIONS,
    "on_validation_end": VALIDATIONS,
    "on_train_epoch_end": EPOCHS,
    "on_train_end": 1,
}
"""How often each hook fires in a whole run."""


class Model(leyden.LightningModule):
    """Everything that can go astray: dropout, a plateau scheduler, Adam's moments, epoch means, a metric object."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(SIZE, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
        self.samples: list[float] = []
        self.validations = 0
        self.size = MeanMetric()

    def on_fit_start(self) -> None:
        if self.trainer.ckpt_path is None:  # each rank has random numbers of its own
            torch.manual_seed(10 + self.global_rank)
            random.seed(10 + self.global_rank)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        (x,) = batch
        self.samples.append(float(x.sum()))
        loss = self.net(x).pow(2).mean()
        self.log("loss", loss, on_epoch=True)
        self.size(x.abs().mean().detach())
        self.log("size", self.size, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        (x,) = batch
        self.log("val_loss", self.net(x).abs().mean(), sync_dist=self.trainer.world_size > 1)

    def on_validation_epoch_end(self) -> None:
        self.validations += not self.trainer.sanity_checking

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), 0.01)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


class Noisy(TensorDataset):
    """Augments what it gives with random numbers of the process, or of the worker, that loads it."""

    def __getitem__(self, index: int) -> Any:
        (x,) = super().__getitem__(index)
        return (x + 0.1 * torch.rand(SIZE) + random.random(),)


class SaveEverywhere(leyden.Callback):
    """Saves a file of its own each time one of the hooks fires, and beside it what was done until then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.turns: Counter[str] = Counter()
        for hook in STOPS:
            setattr(self, hook, self._saves(hook))

    def _saves(self, hook: str) -> Any:
        def save(trainer: leyden.Trainer, *_: Any) -> None:
            if not trainer.sanity_checking:
                name = f"{hook}-{self.turns[hook]}"
                trainer.save_checkpoint(self.folder / f"{name}.ckpt")
                (self.folder / f"{name}.{trainer.global_rank}.done").write_text(json.dumps(done(trainer)))
                self.turns[hook] += 1

        return save


def done(trainer: leyden.Trainer) -> dict[str, Any]:
    """The samples and validations of a run until now, in this process."""
    model = trainer.lightning_module
    assert isinstance(model, Model)
    return {"samples": model.samples, "validations": model.validations}


class Tell(leyden.Callback):
    """Writes down what a run leaves behind, in each process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_fit_end(self, trainer: leyden.Trainer, module: leyden.LightningModule) -> None:
        found = {
            "weights": digest(module.state_dict()),
            "optimizer": digest({str(number): one for number, one in enumerate(_moments(trainer))}),
            "metrics": {name: float(one).hex() for name, one in trainer.callback_metrics.items()},
            "rates": [group["lr"] for group in trainer.optimizers[0].param_groups],
            "counters": [trainer.global_step, trainer.current_epoch],
            "random": [torch.rand(1).item(), random.random()],
            **done(trainer),
        }
        (self.folder / f"{trainer.global_rank}.json").write_text(json.dumps(found))


def _moments(trainer: leyden.Trainer) -> list[torch.Tensor]:
    states = trainer.optimizers[0].state_dict()["state"]
    return [one for state in states.values() for one in state.values()]


def digest(tensors: dict[str, torch.Tensor]) -> str:
    """One text for the bits of all tensors."""
    found = hashlib.sha256()
    for name, one in sorted(tensors.items()):
        found.update(
            name.encode() + one.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return found.hexdigest()


def fit(folder: Path, workers: int, window: int, processes: int, path: Path | None, *callbacks: Any) -> None:
    """One run; what it leaves behind stands in the folder."""
    leyden.seed_everything(3, verbose=False)
    model = Model()
    leyden.seed_everything(3 if path is None else 99, verbose=False)
    data = Noisy(torch.randn(BATCHES * SIZE * processes, SIZE, generator=torch.Generator().manual_seed(1)))
    trainer = leyden.Trainer(
        accelerator="cpu",
        devices=processes,
        strategy="auto" if processes == 1 else "ddp_fork",
        max_epochs=EPOCHS,
        accumulate_grad_batches=window,
        val_check_interval=VALIDATE_EVERY,
        callbacks=[*callbacks, Tell(folder)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = DataLoader(data, batch_size=SIZE, shuffle=True, num_workers=workers)
    trainer.fit(model, loader, DataLoader(data, batch_size=8), ckpt_path=path)


def in_a_process(folder: Path, *arguments: Any) -> list[dict[str, Any]] | str:
    """Run :func:`fit` in a process that has run nothing before; what each rank tells, or why it failed."""
    folder.mkdir(parents=True)
    child = os.fork()
    if not child:
        try:
            fit(folder, *arguments)
        except BaseException:
            (folder / "error").write_text(traceback.format_exc())
        os._exit(0)
    os.waitpid(child, 0)
    if (folder / "error").exists():
        return (folder / "error").read_text()
    return [json.loads(one.read_text()) for one in sorted(folder.glob("*.json"))]


def differences(whole: list[dict[str, Any]], resumed: list[dict[str, Any]] | str) -> list[str]:
    """What is not the same after resuming; of the samples and validations, those that were left are compared."""
    if isinstance(resumed, str):
        return [resumed]
    found = [] if len(whole) == len(resumed) else ["processes"]
    for rank, (one, other) in enumerate(zip(whole, resumed, strict=False)):
        rest = one["samples"][len(one["samples"]) - len(other["samples"]) :]
        expected = {**one, "samples": rest, "validations": other["validations"]}
        found += [f"rank {rank}: {key}" for key in expected if expected[key] != other[key]]
    return found


def balance(folder: Path, stop: str, whole: list[dict[str, Any]], resumed: Any) -> Counter[str]:
    """Batches of samples that were repeated or skipped, and validations that were lost, in all processes."""
    found: Counter[str] = Counter(dict.fromkeys(("repeated", "skipped", "lost validations"), 0))
    for rank, (one, other) in enumerate(zip(whole, resumed, strict=False)):
        before = json.loads((folder / f"{stop}.{rank}.done").read_text())
        wanted, seen = Counter(one["samples"]), Counter(before["samples"] + other["samples"])
        found["repeated"] += (seen - wanted).total()
        found["skipped"] += (wanted - seen).total()
        found["lost validations"] += one["validations"] - before["validations"] - other["validations"]
    return found


def survey(folder: Path, workers: int, window: int, processes: int) -> dict[str, Any]:
    """Run once without saving, once saving everywhere, and once from each of the files."""
    setting = (workers, window, processes)
    (folder / "first").mkdir(parents=True)
    import_what(lambda: fit(folder / "first", 0, 1, 1, None), folder)
    whole = in_a_process(folder / "whole", *setting, None)
    saving = in_a_process(folder / "saving", *setting, None, SaveEverywhere(folder))
    files = sorted(folder.glob("*.ckpt"))
    found: dict[str, Any] = {"stop points": len(files), "inexact": {}, "samples": []}
    if isinstance(whole, str) or whole != saving:
        found["inexact"]["saving"] = whole if isinstance(whole, str) else differences(whole, saving)
        return found
    found["samples"] = [len(one["samples"]) for one in whole]
    found["different random numbers"] = len({one["random"][0] for one in whole})
    found["balance"] = Counter()
    for file in files:
        resumed = in_a_process(folder / file.stem, *setting, file)
        if not isinstance(resumed, str):
            found["balance"].update(balance(folder, file.stem, whole, resumed))
        if differing := differences(whole, resumed):
            found["inexact"][file.stem] = differing
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    where = Path(sys.argv[1])
    try:
        print(json.dumps(survey(where, *map(int, sys.argv[2:5]))))
    finally:
        shutil.rmtree(where)
