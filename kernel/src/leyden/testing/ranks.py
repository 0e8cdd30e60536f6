"""What the contract of strategies runs in several processes; here, so that workers can import it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from leyden.api.callback import Callback
from leyden.api.datamodule import LightningDataModule
from leyden.api.rng import seed_everything
from leyden.testing.tiny import TinyModule


class OddData(LightningDataModule):
    """Nine samples, the numbers from 0 to 8, in batches of two: they cannot be shared evenly."""

    MEAN: ClassVar[float] = 4.0
    SUM: ClassVar[float] = 36.0
    MAX: ClassVar[float] = 8.0

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """The batches."""
        return DataLoader(TensorDataset(torch.arange(9.0)), batch_size=2)


class Odd(TinyModule):
    """Logs the mean, the sum and the greatest of its samples."""

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log them, reduced over all processes."""
        (x,) = batch
        self.log("mean", x.mean(), sync_dist=True)
        self.log("sum", x.sum(), sync_dist=True, reduce_fx="sum")
        self.log("max", x.amax(), sync_dist=True, reduce_fx="max")


class Numbers(LightningDataModule):
    """Eight samples in random order, whose first element is their number."""

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        """The batches, of two."""
        x = torch.zeros(8, 4)
        x[:, 0] = torch.arange(8.0)
        return DataLoader(TensorDataset(x, torch.zeros(8, 1)), batch_size=2, shuffle=True)


class SeededApart(TinyModule):
    """Every process has a seed of its own, and writes down which samples it was given in the first epoch.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def setup(self, stage: str) -> None:
        """Seed the process by its rank."""
        seed_everything(3 + self.trainer.global_rank, verbose=False)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Write down the samples."""
        with (self.folder / f"seen-{self.trainer.global_rank}").open("a") as file:
            file.writelines(f"{int(one)}\n" for one in batch[0][:, 0])
        return super().training_step(batch, batch_idx)


class Noisy(TinyModule):
    """Draws random numbers in each step, other ones in each process, and keeps a mean over the epoch."""

    def on_train_start(self) -> None:
        """Seed each process differently, in a run that begins."""
        if self.trainer.ckpt_path is None:
            torch.manual_seed(1 + self.trainer.global_rank)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of a batch with noise."""
        x, y = batch
        loss = self.loss((x + torch.randn_like(x), y))
        self.log("train_loss", loss, on_epoch=True, sync_dist=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, which has a state."""
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Ends(TinyModule):
    """In the second epoch, the last process ends: by an error, a stop, an early end of the epoch, no loss, or Ctrl-C.

    Args:
        how: ``error``, ``stop``, ``return``, ``none`` or ``interrupt``.
    """

    def __init__(self, how: str = "error") -> None:
        super().__init__()
        self.how = how

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """End, in one process."""
        if self._here():
            if self.how == "error":
                raise ValueError("only here")
            if self.how == "interrupt":
                raise KeyboardInterrupt
            if self.how == "return":
                return -1
            self.trainer.should_stop = self.how == "stop"
        return None

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """The loss, or none, in one process."""
        return None if self.how == "none" and self._here() else super().training_step(batch, batch_idx)

    def _here(self) -> bool:
        trainer = self.trainer
        return trainer.current_epoch == 1 and trainer.global_rank == trainer.world_size - 1


class Save(Callback):
    """Saves a checkpoint after an optimizer step, or when training ends.

    Args:
        path: the file.
        step: the optimizer step; ``None`` for the end.
    """

    def __init__(self, path: Path, step: int | None = None) -> None:
        self.path, self.step = path, step

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save after the step."""
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Save at the end."""
        if self.step is None:
            trainer.save_checkpoint(self.path)


class Roll(Callback):
    """Every process writes down its rank, the number of processes, and whether it is global zero.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Write a file."""
        rank = trainer.global_rank
        text = f"{rank} {trainer.world_size} {trainer.is_global_zero}"
        (self.folder / f"rank-{rank}").write_text(text)
