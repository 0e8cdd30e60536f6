"""Two processes, forked from the test, that share each layer, or its shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningModule, Trainer
from leyden.errors import ConfigurationError
from leyden_strategy_model_parallel import ModelParallelStrategy


class Plain(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return (self.net(x) - y).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Net(Plain):
    def configure_model(self) -> None:
        if isinstance(self.net[0].weight, DTensor):
            return
        mesh = self.device_mesh
        if mesh["tensor_parallel"].size() > 1:
            parallelize_module(
                self.net, mesh["tensor_parallel"], {"0": ColwiseParallel(), "2": RowwiseParallel()}
            )
        fully_shard(self.net, mesh=mesh["data_parallel"])


class SaveAt(Callback):
    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 3:
            trainer.save_checkpoint(self.path)


def fitted(
    folder: Path,
    module: Any,
    strategy: Any,
    batch: int,
    *callbacks: Any,
    path: Any = None,
    processes: int = 2,
) -> Any:
    x = torch.linspace(-1, 1, 48).reshape(16, 3)
    trainer = Trainer(
        accelerator="cpu", devices=processes if strategy else 1, strategy=strategy or "single_device", max_epochs=2,
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=folder, gradient_clip_val=0.5, callbacks=list(callbacks),
    )  # fmt: skip
    trainer.fit(module, DataLoader(TensorDataset(x, x[:, :2]), batch_size=batch), ckpt_path=path)
    return module


@pytest.mark.multiprocess
@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module .* returned a view")
@pytest.mark.parametrize(("data", "tensor"), [(1, 2), (2, 1)], ids=["tensor", "data"])
@pytest.mark.parametrize("shards", [True, False], ids=["folder", "file"])
def test_trains_and_resumes(data: int, tensor: int, shards: bool, tmp_path: Path) -> None:
    def strategy() -> ModelParallelStrategy:
        return ModelParallelStrategy(data, tensor, shards, start_method="fork")

    path = tmp_path / "saved.ckpt"
    one = fitted(tmp_path, Plain(), None, 4)
    two = fitted(tmp_path, Net(), strategy(), 4 // data, SaveAt(path))
    assert path.is_dir() is shards
    again = fitted(tmp_path, Net(), strategy(), 4 // data, path=path)
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], weight, rtol=1e-5, atol=1e-6)
        assert again.state_dict()[name].equal(two.state_dict()[name])


@pytest.mark.multiprocess
@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module .* returned a view")
def test_a_mesh_of_two_dimensions(tmp_path: Path) -> None:
    one = fitted(tmp_path, Plain(), None, 4)
    path = tmp_path / "saved.ckpt"
    four = fitted(
        tmp_path, Net(), ModelParallelStrategy(2, 2, start_method="fork"), 2, SaveAt(path), processes=4
    )
    again = fitted(
        tmp_path, Net(), ModelParallelStrategy(2, 2, start_method="fork"), 2, path=path, processes=4
    )
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(four.state_dict()[name], weight, rtol=1e-5, atol=1e-6)
        assert again.state_dict()[name].equal(four.state_dict()[name])


@pytest.mark.multiprocess
def test_refuses_what_is_not_possible(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="data_parallel_size"):
        ModelParallelStrategy(data_parallel_size=0)
    with pytest.raises(ConfigurationError, match="need 6 processes"):
        fitted(tmp_path, Net(), ModelParallelStrategy(3, 2, start_method="fork"), 4)
    with pytest.raises(ConfigurationError, match="configure_model"):
        fitted(tmp_path, Plain(), ModelParallelStrategy(1, 2, start_method="fork"), 4)
