"""One program in both generations of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningDataModule, LightningModule, Trainer
from leyden.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint

Make = Callable[..., Trainer]


class Data(LightningDataModule):
    def __init__(self, batch_size: int = 8) -> None:
        super().__init__()
        self.save_hyperparameters()

    def setup(self, stage: Any = None) -> None:
        generator = torch.Generator().manual_seed(0)
        self.points = TensorDataset(torch.randn(32, 2, generator=generator) + 3)

    def train_dataloader(self) -> Any:
        return DataLoader(self.points, batch_size=self.hparams.batch_size)

    def val_dataloader(self) -> Any:
        return [DataLoader(self.points, batch_size=16), DataLoader(self.points, batch_size=32)]

    def test_dataloader(self) -> Any:
        return DataLoader(self.points, batch_size=16)


class GAN(LightningModule):
    def __init__(self, lr: float = 0.01, width: int = 4) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.generator = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 2))
        self.critic = nn.Linear(2, 1)
        self.events: list[str] = []

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        return self.generator(noise)  # type: ignore[no-any-return]

    def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
        (real,) = batch
        fake = self(torch.randn_like(real))
        if optimizer_idx == 0:
            loss = bce(self.critic(fake), torch.ones(len(real), 1))
            self.log("g_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        else:
            labels = torch.cat([torch.ones(len(real), 1), torch.zeros(len(real), 1)])
            loss = bce(self.critic(torch.cat([real, fake.detach()])), labels)
            self.log("d_loss", loss)
        return {"loss": loss, "distance": (fake.mean() - real.mean()).abs()}

    def training_epoch_end(self, outputs: Any) -> None:
        assert len(outputs) == 4 and all(len(one) == 2 for one in outputs)
        self.log("distance", torch.stack([one[0]["distance"] for one in outputs]).mean())

    def on_train_epoch_end(self) -> None:
        self.events.append("on_train_epoch_end")

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        score = self.critic(batch[0]).mean()
        self.log("score", score)
        return score

    def validation_epoch_end(self, outputs: Any) -> None:
        assert [len(one) for one in outputs] == [2, 1] or self.trainer.running_sanity_check
        self.log("val_loss", torch.cat([torch.stack(one) for one in outputs]).mean().abs())

    def on_validation_epoch_end(self) -> None:
        self.events.append("on_validation_epoch_end")
        self.log("modern", 1.0)

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return {"norm": self(batch[0]).norm()}

    def test_epoch_end(self, outputs: Any) -> None:
        self.log("test_norm", torch.stack([one["norm"] for one in outputs]).mean())

    def configure_optimizers(self) -> Any:
        generator = torch.optim.Adam(self.generator.parameters(), lr=self.hparams.lr)
        critic = torch.optim.SGD(self.critic.parameters(), lr=self.hparams.lr)
        return [
            {"optimizer": generator, "lr_scheduler": torch.optim.lr_scheduler.StepLR(generator, 1)},
            {"optimizer": critic},
        ]

    def optimizer_step(  # type: ignore[override]
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_idx: int, optimizer_closure: Any,
        on_tpu: bool = False, using_native_amp: bool = False, using_lbfgs: bool = False,
    ) -> None:  # fmt: skip
        optimizer.step(closure=optimizer_closure)


class Old(Callback):
    def __init__(self) -> None:
        self.epochs: list[str] = []

    def on_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.epochs.append(str(trainer.state.stage))

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
    ) -> None:
        assert [sorted(one) for one in outputs] == [["distance", "loss"]] * 2


class New(Callback):
    def __init__(self) -> None:
        self.scores: list[float] = []

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.scores.append(trainer.callback_metrics["score/dataloader_idx_1"].item())

    def state_dict(self) -> dict[str, Any]:
        return {"scores": list(self.scores)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.scores = list(state_dict["scores"])


def made(folder: Any, *callbacks: Callback, **keywords: Any) -> Trainer:
    return Trainer(
        accelerator="auto", gpus=0, weights_summary=None, progress_bar_refresh_rate=0, replace_sampler_ddp=False,
        default_root_dir=folder, log_every_n_steps=1, gradient_clip_val=1.0, precision="32-true",
        callbacks=[*callbacks, ModelCheckpoint(monitor="val_loss", save_last=True), LearningRateMonitor(),
                   EarlyStopping("val_loss", patience=10)], **keywords,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:Trying to unpickle:UserWarning")
def test_both_generations_in_one_program(tmp_path: Any) -> None:
    torch.manual_seed(1)
    old, new, module, data = Old(), New(), GAN(), Data()
    trainer = made(tmp_path, old, new, max_epochs=2)
    trainer.fit(module, datamodule=data)
    assert trainer.global_step == 2 * 4 * 2
    assert (
        module.events == ["on_validation_epoch_end"] + ["on_validation_epoch_end", "on_train_epoch_end"] * 2
    )
    assert old.epochs == ["sanity_check", "validate", "train", "validate", "train"]
    assert len(new.scores) == 3
    assert {"g_loss", "g_loss_step", "g_loss_epoch", "d_loss", "distance", "val_loss", "modern"} <= set(
        trainer.callback_metrics
    )
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.01 * 0.1**2)
    assert trainer.optimizers[1].param_groups[0]["lr"] == 0.01

    (found,) = trainer.test(ckpt_path="best", datamodule=data, verbose=False)
    assert set(found) == {"test_norm"}

    again, seen = GAN.load_from_checkpoint(trainer.checkpoint_callback.best_model_path, lr=0.5), New()
    assert again.hparams == {"lr": 0.5, "width": 4}
    last = trainer.checkpoint_callback.last_model_path
    resumed = made(tmp_path, Old(), seen, max_epochs=3, resume_from_checkpoint=last)
    resumed.fit(again, datamodule=Data())
    assert resumed.global_step == 3 * 4 * 2
    assert len(seen.scores) == 4
