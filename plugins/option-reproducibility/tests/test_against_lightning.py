"""During training, the flags are those that Lightning sets."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from .conftest import ORDINARY, Looking, flags, set_flags


def seen_by_lightning(folder: Path, keywords: dict[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api = pytest.importorskip("pytorch_lightning")
        logging.getLogger("pytorch_lightning").setLevel(logging.CRITICAL)

        class Module(api.LightningModule):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__()
                self.layer = torch.nn.Linear(2, 1)

            def training_step(self, batch: Any, batch_idx: int) -> Any:
                self.seen = flags()
                return self.layer(batch[0]).square().mean()

            def configure_optimizers(self) -> Any:
                return torch.optim.SGD(self.parameters(), lr=0.01)

        off = dict.fromkeys(
            ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
        )
        trainer = api.Trainer(
            max_epochs=1, accelerator="cpu", devices=1, default_root_dir=folder, **off, **keywords
        )
        module = Module()
        trainer.fit(module, DataLoader(TensorDataset(torch.zeros(1, 2))))
    return module.seen  # type: ignore[no-any-return]


@pytest.mark.parametrize("benchmark", [None, True, False])
@pytest.mark.parametrize("deterministic", [None, True, False, "warn"])
def test_deterministic_and_benchmark(
    leyden_run: Any, tmp_path: Path, deterministic: Any, benchmark: bool | None
) -> None:
    keywords = {"deterministic": deterministic, "benchmark": benchmark}
    theirs = seen_by_lightning(tmp_path / "theirs", keywords)
    set_flags(ORDINARY)
    looking = Looking()
    leyden_run("fit", callbacks=[looking], **keywords).ok()
    assert looking.seen["on_train_batch_start"] == theirs


@pytest.mark.parametrize("value", [True, False])
def test_detect_anomaly(leyden_run: Any, tmp_path: Path, value: bool) -> None:
    theirs = seen_by_lightning(tmp_path / "theirs", {"detect_anomaly": value})
    looking = Looking()
    leyden_run("fit", callbacks=[looking], detect_anomaly=value).ok()
    assert looking.seen["on_train_batch_start"] == theirs
