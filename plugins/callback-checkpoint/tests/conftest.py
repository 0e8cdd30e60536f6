from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden.testing import Package, quiet

Score = Callable[[int], float]


class Bench(Package):
    """Fits of a small module with the classes of one package, in one folder.

    The module logs ``val_loss`` when it validates and ``train_loss`` in each batch; both are ``score(global_step)``.
    ``epoch_loss`` is logged for the epoch, in its first batch alone.
    """

    OFF: ClassVar[tuple[str, ...]] = ("logger", "enable_progress_bar", "enable_model_summary")

    def checkpoint(self, dirpath: Any = "ckpts", **arguments: Any) -> Any:
        where = None if dirpath is None else self.folder / dirpath
        return self.callbacks.ModelCheckpoint(where, **arguments)

    def module(self, score: Score, validates: bool = True) -> Any:
        return make_module(self.api.LightningModule, score, validates)

    def trainer(self, *callbacks: Any, **keywords: Any) -> Any:
        return super().trainer(*callbacks, **{"max_epochs": 1, **keywords})

    def fit(
        self,
        *callbacks: Any,
        score: Score = lambda step: 1 / (1 + step),
        batches: int = 2,
        validates: bool = True,
        ckpt_path: Any = None,
        module: Any = None,
        warns: bool = False,
        **keywords: Any,
    ) -> Any:
        """Train a new module with a new Trainer; each epoch has so many batches and one of validation."""
        with nullcontext() if warns else quiet():
            trainer = self.trainer(*callbacks, **keywords)
            module = module or self.module(score, validates)
            val = self.loader(1) if validates else None
            trainer.fit(module, self.loader(batches), val, ckpt_path=ckpt_path)
        return trainer

    def fail_at(self, step: int, error: type[BaseException] = InterruptedError) -> Any:
        """A callback that raises when a batch begins."""

        def on_train_batch_start(callback: Any, trainer: Any, *_: Any) -> None:
            if trainer.global_step == step:
                raise error

        return type("FailAt", (self.api.Callback,), {"on_train_batch_start": on_train_batch_start})()

    @staticmethod
    def saves(callback: Any) -> list[str]:
        """A list that will hold the name of each file that a callback writes."""
        written: list[str] = []
        save = callback._save_checkpoint

        def recorded(trainer: Any, filepath: str) -> None:
            written.append(os.path.basename(filepath))
            save(trainer, filepath)

        callback._save_checkpoint = recorded
        return written

    @staticmethod
    def loader(batches: int) -> Any:
        return DataLoader(TensorDataset(torch.linspace(-1, 1, 4 * batches).reshape(-1, 2)), batch_size=2)

    @staticmethod
    def read(path: Any) -> dict[str, Any]:
        found: dict[str, Any] = torch.load(path, weights_only=True)
        return found

    def files(self, folder: str = "ckpts", links: bool = True) -> list[str]:
        """The checkpoints in a folder; a link is shown with where it leads."""
        root = self.folder / folder
        return sorted(
            self._shown(root, path) for path in root.rglob("*.ckpt") if links or not path.is_symlink()
        )

    def records(self, folder: str = "ckpts") -> list[str]:
        """The files that the manifest of a folder knows."""
        root = self.folder / folder / ".leyden-manifest" / "files"
        return sorted(json.loads(path.read_text())["file"] for path in root.rglob("*.json"))

    def _shown(self, root: Path, path: Path) -> str:
        name = str(path.relative_to(root))
        return f"{name} -> {os.readlink(path)}" if path.is_symlink() else name

    def plain(self, value: Any) -> Any:
        """A state without the folder's name and with numbers for tensors."""
        if isinstance(value, dict):
            return {self.plain(key): self.plain(one) for key, one in value.items()}
        if isinstance(value, torch.Tensor):
            return value.item()
        return value.replace(os.path.realpath(self.folder), "") if isinstance(value, str) else value

    def state(self, callback: Any) -> dict[str, Any]:
        """The state of a callback in comparable form."""
        found: dict[str, Any] = self.plain(callback.state_dict())
        return found


def make_module(base: type, score: Score, validates: bool = True) -> Any:
    class Module(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.log("train_loss", score(self.trainer.global_step))
            if batch_idx == 0:
                self.log(
                    "epoch_loss", score(self.trainer.global_step), on_step=False, on_epoch=True, batch_size=1
                )
            return self.layer(batch[0]).square().mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    class Validating(Module):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val_loss", score(self.trainer.global_step), batch_size=1)

    return (Validating if validates else Module)()


@pytest.fixture
def full() -> Any:
    """Makes a checkpoint io for a disk that takes so many files."""
    from leyden.errors import CheckpointError
    from leyden.testing import HostCheckpointIO

    class Full(HostCheckpointIO):
        def __init__(self, files: int) -> None:
            self.left = files

        def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
            if not self.left:
                raise CheckpointError(f"{path} cannot be written: no space left on device.")
            self.left -= 1
            super().save_checkpoint(checkpoint, path, storage_options)

    return Full


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)
