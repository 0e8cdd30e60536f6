"""A fit with everything on, by hand and with a framework.

On are: the loss on the progress bar by step and by epoch, TensorBoard every 50 steps, validation after the epoch, the
three best checkpoints, early stopping, and the learning rate as a metric.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.benchmarks.subjects import FRAMEWORKS, Task, quiet, seeded

VALIDATION = 5
EVERY = 50
cross_entropy = nn.functional.cross_entropy


def by_hand(task: Task, batches: int) -> nn.Module:
    """The loop as one writes it."""
    from torch.utils.tensorboard import SummaryWriter
    from tqdm import tqdm

    network = seeded(task)
    optimizer = task.optimizer(network.parameters())
    best: list[tuple[float, Path]] = []
    patience, lowest = 0, float("inf")
    with _folder() as folder, SummaryWriter(folder) as writer:
        network.train()
        total, samples = torch.zeros(()), 0
        loader = task.loader(batches)
        bar = tqdm(total=len(loader), desc="Epoch 0")
        for step, (inputs, targets) in enumerate(loader):
            optimizer.zero_grad()
            loss = cross_entropy(network(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(inputs)
            samples += len(inputs)
            bar.set_postfix(loss=loss.item(), refresh=False)
            bar.update()
            if (step + 1) % EVERY == 0:
                writer.add_scalar("loss_step", loss.item(), step)
                writer.add_scalar("lr", optimizer.param_groups[0]["lr"], step)
        network.eval()
        with torch.no_grad():
            losses = [cross_entropy(network(x), y) * len(x) for x, y in task.loader(VALIDATION)]
        found = (torch.stack(losses).sum() / (VALIDATION * task.batch)).item()
        bar.set_postfix(loss=(total / samples).item(), val_loss=found)
        bar.close()
        writer.add_scalar("loss_epoch", (total / samples).item(), batches)
        writer.add_scalar("val_loss", found, batches)
        path = folder / f"{found}.ckpt"
        torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict()}, path)
        best = sorted([*best, (found, path)])
        for _, worse in best[3:]:
            worse.unlink()
        patience = 0 if found < lowest else patience + 1
        if patience >= 3:
            bar.write("stopped early")
    return network


def with_framework(framework: str, task: Task, batches: int) -> nn.Module:
    """The same with callbacks."""
    package = import_module(FRAMEWORKS[framework])
    callbacks = import_module(f"{FRAMEWORKS[framework]}.callbacks")
    loggers = import_module(f"{FRAMEWORKS[framework]}.loggers")

    class Subject(package.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = seeded(task)

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            loss = cross_entropy(self.network(batch[0]), batch[1])
            self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", cross_entropy(self.network(batch[0]), batch[1]), prog_bar=True)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return task.optimizer(self.parameters())

    module = Subject()
    with _folder() as folder, quiet():
        package.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            num_sanity_val_steps=0,
            enable_model_summary=False,
            default_root_dir=folder,
            logger=loggers.TensorBoardLogger(folder),
            callbacks=[
                callbacks.ModelCheckpoint(folder, monitor="val_loss", save_top_k=3),
                callbacks.EarlyStopping("val_loss"),
                callbacks.LearningRateMonitor(),
                callbacks.TQDMProgressBar(),
            ],
        ).fit(module, task.loader(batches), task.loader(VALIDATION))
    network: nn.Module = module.network
    return network


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is removed, and nothing on the screen."""
    screen = io.StringIO()
    quiet_screen = contextlib.redirect_stderr(screen), contextlib.redirect_stdout(screen)
    with tempfile.TemporaryDirectory() as name, quiet_screen[0], quiet_screen[1]:
        yield Path(name)
