from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.testing import Bench, quiet


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)


def make_module(bench: Bench) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
            return {"y": self.layer(batch), "at": [batch_idx, dataloader_idx]}

    torch.manual_seed(0)
    return Module()


def make_writer(bench: Bench, interval: str) -> Any:
    class Writer(bench.callbacks.BasePredictionWriter):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__(interval)
            self.got: list[Any] = []

        def write_on_batch_end(
            self, trainer: Any, module: Any, prediction: Any, indices: Any, batch: Any, *place: int
        ) -> None:
            self.got.append(("batch", listed(prediction), indices, batch.tolist(), place))

        def write_on_epoch_end(self, trainer: Any, module: Any, predictions: Any, indices: Any) -> None:
            self.got.append(("epoch", listed(predictions), listed(indices)))

    return Writer()


def listed(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: listed(one) for key, one in value.items()}
    return [listed(one) for one in value] if isinstance(value, list) else value


class Numbers(torch.utils.data.Dataset):  # type: ignore[type-arg]
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return torch.tensor([float(index)])


def predicted(bench: Bench, data: Any, *writers: Any, keep: Any = None, **keywords: Any) -> Any:
    trainer = bench.trainer(*writers, **keywords)
    with quiet():
        torch.manual_seed(3)
        return listed(trainer.predict(make_module(bench), data, return_predictions=keep))


@pytest.fixture
def writer() -> Any:
    return make_writer


@pytest.fixture
def predict() -> Any:
    return predicted


@pytest.fixture
def numbers() -> Any:
    return Numbers
