"""Two processes, forked from the test: what they train, save and resume with sharded parameters."""

from __future__ import annotations

import json
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.fsdp import MixedPrecision, MixedPrecisionPolicy
from torch.distributed.tensor import DTensor
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningModule, Trainer
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_checkpoint_io_distributed import DistributedCheckpointIO
from leyden_distributed import CollectiveTimeoutError
from leyden_strategy_fsdp import FSDPPrecision, FSDPStrategy
from leyden_strategy_fsdp.tensors import whole


class Net(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
        self.extra = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x) + (x * self.extra).sum(1, keepdim=True)
        return out

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return (self(x) - y).square().mean() + self.extra.sum() * 0.01

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch
        self.log("val", (self.net(x) + x @ self.extra[:, None] - y).square().mean(), sync_dist=True)

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Late(Net):
    """Its layers are made under the meta device."""

    def __init__(self) -> None:
        super().__init__()
        del self.net

    def configure_model(self) -> None:
        if not hasattr(self, "net"):
            with self.trainer.init_module(empty_init=True):
                self.net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


class Look(Callback):
    """Every process writes down what it finds when training ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        parameters = list(pl_module.parameters())
        states = [one["exp_avg"] for one in trainer.optimizers[0].state.values()]
        found = {
            "sharded": all(isinstance(one, DTensor) for one in [*parameters, *states]),
            "held": sum(one.to_local().numel() for one in parameters),
            "all": sum(one.numel() for one in parameters),
            "device": pl_module.net[0].weight.to_local().device.type,
        }
        (trainer.default_root_dir and self.folder / f"{trainer.global_rank}.json").write_text(
            json.dumps(found)
        )


class SaveAt(Callback):
    def __init__(self, path: Path, batches: int) -> None:
        self.path, self.batches, self.seen = path, batches, 0

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.seen += 1
        if self.seen == self.batches:
            trainer.save_checkpoint(self.path)


def data(batch_size: int) -> DataLoader[Any]:
    x = torch.linspace(-1, 1, 48).reshape(16, 3)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=batch_size)


def trainer(folder: Path, strategy: Any = None, **keywords: Any) -> Trainer:
    given: dict[str, Any] = {
        "accelerator": "cpu", "devices": 2 if strategy else 1, "strategy": strategy or "single_device",
        "max_epochs": 2, "logger": False, "enable_checkpointing": False, "enable_progress_bar": False,
        "enable_model_summary": False, "default_root_dir": folder, "num_sanity_val_steps": 0,
    }  # fmt: skip
    return Trainer(**{**given, **keywords})


def fork(**options: Any) -> FSDPStrategy:
    return FSDPStrategy(start_method="fork", **options)


def fitted(
    folder: Path, strategy: Any = None, *callbacks: Any, module: Any = None, path: Any = None, **keywords: Any
) -> Any:
    module = module if module is not None else Net()
    made = trainer(folder, strategy, callbacks=list(callbacks), **keywords)
    made.fit(module, data(2 if strategy else 4), data(4), ckpt_path=path)
    return module


def same(one: nn.Module, other: nn.Module, tolerance: float = 1e-6) -> None:
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, rtol=tolerance, atol=tolerance)


OPTIONS: dict[str, dict[str, Any]] = {
    "units": {"auto_wrap_policy": {nn.Linear}, "activation_checkpointing_policy": {nn.Linear}},
    "zero2": {"sharding_strategy": "SHARD_GRAD_OP"},
    "offload": {"cpu_offload": True},
    "hybrid": {"sharding_strategy": "HYBRID_SHARD", "device_mesh": (1, 2)},
    "replicated": {"sharding_strategy": "NO_SHARD"},
}
CLIPPING: dict[str, dict[str, Any]] = {
    "norm": {"gradient_clip_val": 0.1},
    "value": {"gradient_clip_val": 0.02, "gradient_clip_algorithm": "value", "accumulate_grad_batches": 2},
}


@pytest.mark.multiprocess
@pytest.mark.parametrize("name", OPTIONS)
def test_weights_are_those_of_one_process(name: str, tmp_path: Path) -> None:
    one = fitted(tmp_path)
    two = fitted(tmp_path, fork(**OPTIONS[name]), Look(tmp_path))
    same(one, two)
    assert type(two) is Net and not any(isinstance(each, DTensor) for each in two.parameters())
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert all(each["sharded"] for each in found)
    copies = 2 if name == "replicated" else 1
    assert sum(each["held"] for each in found) == copies * found[0]["all"]


@pytest.mark.multiprocess
@pytest.mark.parametrize("name", CLIPPING)
def test_gradients_are_clipped_over_all_shards(name: str, tmp_path: Path) -> None:
    one = fitted(tmp_path, **CLIPPING[name])
    two = fitted(tmp_path, fork(auto_wrap_policy={nn.Linear}), **CLIPPING[name])
    same(one, two)


class Clips(Net):
    """Bounds the norm itself, as torch says."""

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        norm = nn.utils.clip_grad_norm_(self.parameters(), 0.1)
        self.log("norm", whole(norm), sync_dist=isinstance(norm, DTensor))


@pytest.mark.multiprocess
def test_torchs_own_clipping_counts_all_shards(tmp_path: Path) -> None:
    one = fitted(tmp_path, module=Clips())
    two = fitted(tmp_path, fork(auto_wrap_policy={nn.Linear}), module=Clips())
    same(one, two)
    norms = [float(each.trainer.callback_metrics["norm"]) for each in (one, two)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)
    assert norms[0] > 0.1


@pytest.mark.multiprocess
def test_shards_are_replicated_over_four_processes(tmp_path: Path) -> None:
    strategy = fork(sharding_strategy="HYBRID_SHARD", device_mesh=(2, 2), auto_wrap_policy={nn.Linear})
    one, four = fitted(tmp_path), Net()
    made = trainer(tmp_path, strategy, devices=4, callbacks=[Look(tmp_path)], gradient_clip_val=100.0)
    made.fit(four, data(1), data(4))
    same(one, four)
    held = [json.loads((tmp_path / f"{rank}.json").read_text())["held"] for rank in range(4)]
    assert held[:2] == held[2:]
    assert sum(held) == 2 * sum(each.numel() for each in one.parameters())


@pytest.mark.multiprocess
def test_a_timeout_in_a_group_of_shards_names_rank_and_hook(tmp_path: Path) -> None:
    class Slow(Net):
        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            until = time.monotonic() + 60
            while batch_idx == 1 and self.global_rank == 1 and time.monotonic() < until:
                time.sleep(0.1)

    began = time.monotonic()
    options = {"sharding_strategy": "HYBRID_SHARD", "device_mesh": (1, 2), "timeout": timedelta(seconds=2)}
    with pytest.raises(CollectiveTimeoutError, match=r"rank 1: in on_train_batch_end, train epoch 0 batch 1"):
        fitted(tmp_path, fork(**options), module=Slow())
    assert time.monotonic() - began < 50, "the slow one is woken"


class Interrupt(Callback):
    """Interrupts rank zero in the second epoch; the other one comes to the reunion in time, or does not."""

    def __init__(self, late: bool) -> None:
        self.late = late

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == 1 and trainer.global_rank == 0:
            raise KeyboardInterrupt

    def on_exception(self, trainer: Any, *_: Any) -> None:
        if self.late and trainer.global_rank == 1:
            time.sleep(6)


@pytest.mark.multiprocess
@pytest.mark.parametrize("late", [False, True])
def test_the_weights_of_an_interrupted_run(
    late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if late:
        monkeypatch.setattr("leyden_distributed.strategy.REUNION", timedelta(seconds=1))
        monkeypatch.setattr("warnings.showwarning", lambda *given, **_: print(given[0], file=sys.stderr))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        two = fitted(tmp_path, fork(), Interrupt(late))
    assert two.trainer.interrupted
    assert ("[weights-lost]" in capfd.readouterr().err) is late
    same(Net() if late else fitted(tmp_path, max_epochs=1), two)


@pytest.mark.multiprocess
@pytest.mark.parametrize("kind", ["full", "sharded"])
@pytest.mark.parametrize("window", [1, 3])
def test_resumes_exactly(kind: str, window: int, tmp_path: Path) -> None:
    path = tmp_path / "saved.ckpt"
    whole = fitted(tmp_path, fork(state_dict_type=kind), SaveAt(path, 5), accumulate_grad_batches=window)
    assert path.is_dir() is (kind == "sharded")
    again = fitted(tmp_path, fork(state_dict_type=kind), path=path, accumulate_grad_batches=window)
    same(whole, again, 0.0)


@pytest.mark.multiprocess
@pytest.mark.filterwarnings("ignore:.*(world-size|plugin-set)")
def test_checkpoints_fit_other_runs(tmp_path: Path) -> None:
    full, single, folder = tmp_path / "full.ckpt", tmp_path / "single.ckpt", tmp_path / "folder.ckpt"
    whole = fitted(tmp_path, None, SaveAt(single, 4))
    fitted(tmp_path, fork(), SaveAt(full, 4))
    fitted(tmp_path, fork(state_dict_type="sharded"), SaveAt(folder, 4))
    same(fitted(tmp_path, fork(), path=single), whole)
    same(fitted(tmp_path, fork(state_dict_type="sharded"), path=full), whole)
    same(fitted(tmp_path, None, path=folder, plugins=[DistributedCheckpointIO()]), whole)
    same(fitted(tmp_path, None, path=full), whole)
    saved = torch.load(full, weights_only=True)
    assert saved["optimizer_states"][0]["state"][0]["exp_avg"].shape == whole.extra.shape
    loaded = Net.load_from_checkpoint(full)
    for name, one in loaded.state_dict().items():
        assert one.equal(saved["state_dict"][name])


@pytest.mark.multiprocess
@pytest.mark.filterwarnings("ignore:.*(world-size|plugin-set)")
def test_modules_without_memory_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "plain.ckpt"
    whole = fitted(tmp_path, None, SaveAt(path, 4))
    late = Late()
    made = trainer(tmp_path, fork(auto_wrap_policy={nn.Linear}), max_epochs=2)
    made.fit(late, data(2), data(4), ckpt_path=path)
    assert made.global_step == 8
    assert whole.extra.shape == late.extra.shape
    torch.testing.assert_close(late.extra, whole.extra, rtol=1e-6, atol=1e-6)


@pytest.mark.multiprocess
@pytest.mark.parametrize("how", ["precision", "mixed_precision"])
def test_half_formats(how: str, tmp_path: Path) -> None:
    one = fitted(tmp_path)
    if how == "precision":
        two = fitted(tmp_path, fork(), precision="bf16-mixed")
    else:
        two = fitted(tmp_path, fork(mixed_precision=True))
    assert {each.dtype for each in two.parameters()} == {torch.float32}
    same(one, two, 0.1)
    assert any(not a.equal(b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"sharding_strategy": "SHARD"}, ConfigurationError),
        ({"state_dict_type": "half"}, ConfigurationError),
        ({"device_mesh": (1, 2)}, ConfigurationError),
        ({"device_mesh": 3, "sharding_strategy": "HYBRID_SHARD"}, ArgumentTypeError),
        ({"auto_wrap_policy": {1}}, ArgumentTypeError),
        ({"cpu_offload": "yes"}, ArgumentTypeError),
        ({"mixed_precision": "bf16"}, ArgumentTypeError),
        ({"use_orig_params": False}, ConfigurationError),
        ({"backward_prefetch": 1}, ArgumentTypeError),
        ({"activation_checkpointing": nn.Linear, "activation_checkpointing_policy": {nn.Linear}}, ConfigurationError),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)  # fmt: skip
def test_refuses_what_is_not_possible(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        FSDPStrategy(**options)


def test_precision(tmp_path: Path) -> None:
    made = trainer(tmp_path, fork(), precision="bf16-mixed")
    assert isinstance(made.precision_plugin, FSDPPrecision)
    assert made.strategy.mixed_precision_config.param_dtype is torch.bfloat16
    given = fork(mixed_precision=MixedPrecision(param_dtype=torch.float16, reduce_dtype=torch.float32))
    assert given.mixed_precision_config == MixedPrecisionPolicy(torch.float16, torch.float32)
    with pytest.raises(ConfigurationError, match="precision"):
        trainer(tmp_path, fork(), precision="64-true")
    with pytest.raises(ConfigurationError, match="precision"):
        FSDPPrecision("64-true")
