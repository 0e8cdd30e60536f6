"""Two processes, one launch: every stage, whole and resumed. ``python program.py FOLDER``."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

from leyden import Trainer
from leyden.callbacks import Callback
from leyden.testing.tiny import TinyData, TinyModule
from leyden_strategy_deepspeed import DeepSpeedStrategy


class Adam(TinyModule):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.05)


class Save(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        trainer.save_checkpoint(self.path)


class Skips(Adam):
    """Has no loss in the first epoch, in no process."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        return loss if self.current_epoch else None


def fit(strategy: Any, epochs: int, module: TinyModule, resume: Path | None = None, **keywords: Any) -> Any:
    trainer = Trainer(
        accelerator="cpu", devices=2, strategy=strategy, max_epochs=epochs, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, **keywords,
    )  # fmt: skip
    trainer.fit(module, datamodule=TinyData(), ckpt_path=resume)
    return trainer


def weights(module: torch.nn.Module) -> list[float]:
    return torch.cat([one.detach().flatten() for one in module.parameters()]).tolist()


def main(folder: Path) -> None:
    warnings.filterwarnings("ignore")
    found: dict[str, Any] = {}
    for stage in (1, 2, 3):
        plain, whole = TinyModule(), Adam()
        fit(DeepSpeedStrategy(stage=stage), 3, plain, limit_val_batches=0)
        clipped = {"gradient_clip_val": 0.05, "accumulate_grad_batches": 2, "limit_val_batches": 0}
        path = folder / f"{stage}.ckpt"
        first = Adam()
        trainer = fit(DeepSpeedStrategy(stage=stage), 4, whole, **clipped)
        fit(DeepSpeedStrategy(stage=stage), 2, first, **clipped, callbacks=[Save(path)])
        again = Adam()
        fit(DeepSpeedStrategy(stage=stage), 4, again, path, **clipped)
        found[str(stage)] = {
            "plain": weights(plain),
            "clipped": weights(whole),
            "resumed": weights(again),
            "rank": trainer.global_rank,
        }
    for stage in (2, 3):
        plain = TinyModule()
        offload = {"offload_optimizer": True, "offload_parameters": stage == 3}
        fit(DeepSpeedStrategy(stage=stage, **offload), 3, plain, limit_val_batches=0)
        found[f"{stage}-offload"] = {"plain": weights(plain)}
    skipped, whole = Skips(), Adam()
    fit(DeepSpeedStrategy(stage=2), 3, skipped, limit_val_batches=0)
    fit(DeepSpeedStrategy(stage=2), 2, whole, limit_val_batches=0)
    found["skipped"] = {"skipped": weights(skipped), "whole": weights(whole)}
    half = TinyModule()
    fit(DeepSpeedStrategy(stage=2), 3, half, limit_val_batches=0, precision="bf16-mixed")
    found["half"] = {"plain": weights(half)}
    (folder / f"rank-{trainer.global_rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
