"""Keywords of 1.x's Trainer and what becomes of them."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import leyden
from leyden import Callback, LightningModule, Trainer
from leyden.callbacks import ModelCheckpoint, ModelSummary
from leyden.errors import ArgumentTypeError, ConfigurationError, LeydenError, PluginNotFoundError
from leyden.plugins.catalogue import catalogue
from leyden.testing import TinyData, TinyModule

Make = Callable[..., Trainer]

SILENT = {
    "gpus": None, "tpu_cores": None, "ipus": None, "hpus": None, "num_processes": 1, "auto_select_gpus": False,
    "distributed_backend": None, "replace_sampler_ddp": True, "amp_backend": "native", "amp_level": None,
    "checkpoint_callback": None, "progress_bar_refresh_rate": None, "process_position": 0, "weights_summary": "top",
    "stochastic_weight_avg": False, "log_gpu_memory": None, "weights_save_path": None,
    "resume_from_checkpoint": None, "reload_dataloaders_every_epoch": False, "truncated_bptt_steps": None,
    "multiple_trainloader_mode": "max_size_cycle", "prepare_data_per_node": True, "terminate_on_nan": False,
    "track_grad_norm": -1, "flush_logs_every_n_steps": None, "move_metrics_to_cpu": False, "auto_lr_find": False,
    "auto_scale_batch_size": False,
}  # fmt: skip
"""Every keyword with the value that asks for nothing."""


def names() -> set[str]:
    entries = catalogue().group("leyden.options")
    return {one.name for one in entries if one.distribution == "leyden-legacy"}


def test_every_keyword_is_here() -> None:
    assert names() == set(SILENT)


def test_asking_for_nothing_says_nothing_and_changes_nothing(trainer: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = trainer(**SILENT)
    plain = trainer()
    assert [type(one) for one in made.callbacks] == [type(one) for one in plain.callbacks]
    assert [type(one.target) for one in made.listeners] == [type(one.target) for one in plain.listeners]
    assert made.run_state == plain.run_state
    assert type(made.accelerator) is type(plain.accelerator)


def test_they_are_no_part_of_the_signature_and_of_help() -> None:
    assert not names() & set(inspect.signature(leyden.Trainer).parameters)
    assert "tpu_cores" not in (Trainer.__doc__ or "")


@pytest.mark.parametrize(
    ("given", "accelerator", "devices"),
    [
        ({"gpus": 0}, "CPUAccelerator", 1),
        ({"gpus": []}, "CPUAccelerator", 1),
        ({"gpus": "0"}, "CPUAccelerator", 1),
        ({"num_processes": 1}, "CPUAccelerator", 1),
    ],
)
def test_no_gpus_are_the_processor(given: Any, accelerator: str, devices: int) -> None:
    made = Trainer(logger=False, **given)
    assert type(made.accelerator).__name__ == accelerator
    assert made.num_devices == devices


@pytest.mark.parametrize(
    ("keyword", "value", "accelerator", "devices"),
    [
        ("gpus", 2, "gpu", 2), ("gpus", -1, "gpu", -1), ("gpus", [0, 3], "gpu", [0, 3]), ("gpus", "0,1", "gpu", "0,1"),
        ("gpus", (1,), "gpu", [1]), ("tpu_cores", 8, "tpu", 8), ("ipus", 4, "ipu", 4), ("hpus", 2, "hpu", 2),
        ("num_processes", 3, "cpu", 3),
    ],
)  # fmt: skip
def test_devices(keyword: str, value: Any, accelerator: str, devices: Any) -> None:
    assert rewritten(keyword, value) == {"accelerator": accelerator, "devices": devices}


def rewritten(keyword: str, value: Any, **others: Any) -> dict[str, Any]:
    (entry,) = catalogue().named("leyden.options", keyword)
    given = {keyword: value, **others}
    entry.load()().rewrite(value, given)
    return given


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"replace_sampler_ddp": False}, {"use_distributed_sampler": False}),
        ({"reload_dataloaders_every_epoch": True}, {"reload_dataloaders_every_n_epochs": 1}),
        ({"distributed_backend": "ddp"}, {"strategy": "ddp"}),
        (
            {"distributed_backend": "ddp_cpu", "num_processes": 2},
            {"strategy": "ddp_spawn", "accelerator": "cpu"},
        ),
        ({"distributed_backend": "dp", "gpus": 1}, {}),
        ({"checkpoint_callback": False}, {"enable_checkpointing": False}),
        ({"progress_bar_refresh_rate": 0}, {"enable_progress_bar": False}),
        ({"weights_summary": None}, {"enable_model_summary": False}),
        ({"amp_level": "O1", "precision": 16}, {"precision": "16-mixed"}),
        ({"amp_level": "o3", "precision": 16}, {"precision": "16-true"}),
        ({"amp_backend": "apex", "precision": 16}, {"precision": "16-mixed"}),
        ({"num_processes": 2, "devices": 4}, {}),
    ],
)
def test_present_keywords(given: dict[str, Any], expected: dict[str, Any]) -> None:
    keyword = next(iter(given))
    rest = {name: value for name, value in given.items() if name != keyword}
    assert rewritten(**{"keyword": keyword, "value": given[keyword]}, **rest) == {**rest, **expected}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"accelerator": "ddp"}, {"accelerator": "auto", "strategy": "ddp"}),
        ({"accelerator": "ddp_cpu", "num_processes": 2},
         {"accelerator": "cpu", "strategy": "ddp_spawn", "num_processes": 2}),
        ({"accelerator": None, "strategy": None, "devices": None, "max_steps": None},
         {"accelerator": "auto", "strategy": "auto", "devices": "auto", "max_steps": -1}),
        ({"strategy": "dp", "gpus": 1}, {"gpus": 1}),
        ({"accelerator": "gpu", "strategy": "ddp"}, {"accelerator": "gpu", "strategy": "ddp"}),
        ({"plugins": "ddp_sharded"}, {"plugins": [], "strategy": "ddp_sharded"}),
    ],
)  # fmt: skip
def test_older_values_of_present_keywords(given: dict[str, Any], expected: dict[str, Any]) -> None:
    from leyden_legacy.values import translate

    translate(given)
    assert given == expected


@pytest.mark.parametrize("given", [{"strategy": "dp", "gpus": 2}, {"accelerator": "ddp2", "devices": [0, 1]}])
def test_splitting_batches_over_devices_is_gone(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Write strategy='ddp'"):
        Trainer(**given)


def test_both_spellings_are_a_contradiction() -> None:
    with pytest.raises(ConfigurationError, match=r"gpus means devices=2, and devices=4 is given as well"):
        Trainer(gpus=2, accelerator="gpu", devices=4)
    with pytest.raises(ConfigurationError, match=r"gpus means accelerator='gpu', and accelerator='cpu'"):
        Trainer(gpus=2, accelerator="cpu")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("gpus", 1.5), ("gpus", True), ("gpus", -2), ("tpu_cores", {}), ("ipus", -1), ("num_processes", 0),
        ("auto_select_gpus", "yes"), ("distributed_backend", 3), ("replace_sampler_ddp", None), ("amp_backend", "x"),
        ("amp_level", "O4"), ("checkpoint_callback", "best"), ("progress_bar_refresh_rate", -1),
        ("process_position", 1.5), ("weights_summary", "all"), ("stochastic_weight_avg", 1), ("log_gpu_memory", "some"),
        ("weights_save_path", 3), ("resume_from_checkpoint", 3), ("reload_dataloaders_every_epoch", 1),
        ("truncated_bptt_steps", 0), ("multiple_trainloader_mode", "sequential"), ("prepare_data_per_node", 1),
        ("terminate_on_nan", "no"), ("track_grad_norm", 0), ("track_grad_norm", "two"),
        ("flush_logs_every_n_steps", 0), ("move_metrics_to_cpu", 1), ("auto_lr_find", 3),
        ("auto_scale_batch_size", "linear"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(keyword: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=keyword) as caught:
        Trainer(**{keyword: value})
    assert repr(value) in str(caught.value)


def test_checkpoint_callback(tmp_path: Path) -> None:
    own = ModelCheckpoint(dirpath=tmp_path)
    assert Trainer(checkpoint_callback=own).checkpoint_callbacks == [own]
    assert Trainer(checkpoint_callback=False).checkpoint_callbacks == []
    assert len(Trainer(checkpoint_callback=True).checkpoint_callbacks) == 1


def test_weights_summary() -> None:
    def summaries(**given: Any) -> list[Any]:
        return [one for one in Trainer(logger=False, **given).callbacks if isinstance(one, ModelSummary)]

    assert summaries(weights_summary=None) == []
    (full,) = summaries(weights_summary="full")
    assert full._max_depth == -1


def test_progress_bar(trainer: Make) -> None:
    tqdm = pytest.importorskip("leyden_callback_progress_tqdm").TQDMProgressBar
    assert trainer(progress_bar_refresh_rate=0, enable_progress_bar=True).progress_bar_callback is None
    found = trainer(progress_bar_refresh_rate=20, process_position=2, enable_progress_bar=True)
    assert isinstance(found.progress_bar_callback, tqdm)
    assert found.progress_bar_callback.refresh_rate == 20
    assert found.progress_bar_callback.process_position == 2
    own = tqdm(refresh_rate=3)
    kept = trainer(progress_bar_refresh_rate=20, enable_progress_bar=True, callbacks=own)
    assert kept.progress_bar_callback is own and own.refresh_rate == 3


def test_accumulation_that_changes(trainer: Make) -> None:
    scheduler = pytest.importorskip("leyden_callback_accumulation").GradientAccumulationScheduler
    made = trainer(accumulate_grad_batches={1: 2})
    assert any(isinstance(one, scheduler) for one in made.callbacks)
    made = trainer(accumulate_grad_batches={1: 2}, max_epochs=2, limit_train_batches=4, limit_val_batches=0)
    made.fit(TinyModule(), TinyData())
    assert made.global_step == 2 + 1  # the first epoch's two batches one by one, the second's together


def test_stochastic_weight_averaging(trainer: Make) -> None:
    averaging = pytest.importorskip("leyden_callback_weight_averaging").StochasticWeightAveraging
    made = trainer(stochastic_weight_avg=True, max_epochs=5, limit_train_batches=2, limit_val_batches=0)
    made.fit(TinyModule(), TinyData())
    (one,) = [one for one in made.callbacks if isinstance(one, averaging)]
    assert made.optimizers[0].param_groups[0]["swa_lr"] == pytest.approx(made.optimizers[0].defaults["lr"])
    assert type(one).__name__ == "StochasticWeightAveraging"


def test_a_callback_that_is_not_installed_is_named(trainer: Make) -> None:
    if catalogue().by_attribute("leyden.callbacks", "DeviceStatsMonitor"):
        assert len(trainer(log_gpu_memory="all").callbacks) == len(trainer().callbacks) + 1
    else:
        with pytest.raises(PluginNotFoundError, match="DeviceStatsMonitor"):
            trainer(log_gpu_memory="all")


def test_weights_save_path(tmp_path: Path) -> None:
    made = Trainer(
        weights_save_path=tmp_path / "weights", max_epochs=1, limit_train_batches=1, limit_val_batches=0,
        default_root_dir=tmp_path / "logs", enable_progress_bar=False, weights_summary=None, accelerator="cpu",
    )  # fmt: skip
    made.fit(TinyModule(), TinyData())
    folder = tmp_path / "weights" / "lightning_logs" / "version_0" / "checkpoints"
    assert [one.suffix for one in folder.iterdir() if one.suffix == ".ckpt"] == [".ckpt"]
    assert made.weights_save_path == str(tmp_path / "weights")


def test_resuming_concerns_fit_alone(trainer: Make, tmp_path: Path) -> None:
    first = trainer(limit_train_batches=2)
    first.fit(TinyModule(), TinyData())
    first.save_checkpoint(tmp_path / "one.ckpt")
    second = trainer(limit_train_batches=2, max_epochs=2, resume_from_checkpoint=str(tmp_path / "one.ckpt"))
    assert second.resume_from_checkpoint == str(tmp_path / "one.ckpt")
    module = TinyModule()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    second.validate(module, TinyData(), verbose=False)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    second.fit(module, TinyData())
    assert second.global_step == 4 and second.current_epoch == 2


def loss_module(value: float) -> LightningModule:
    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return (self.weight * batch[0]).sum() * value

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=1.0)

    return Module()


def ones(count: int = 3) -> DataLoader[Any]:
    return DataLoader(TensorDataset(torch.ones(count, 2)))


@pytest.mark.parametrize(("value", "what"), [(math.nan, "loss of batch 0"), (math.inf, "loss of batch 0")])
def test_terminate_on_nan(trainer: Make, value: float, what: str) -> None:
    trainer().fit(loss_module(value), ones())
    with pytest.raises(ValueError, match=what):
        trainer(terminate_on_nan=True).fit(loss_module(value), ones())


def test_terminate_on_nan_looks_at_parameters(trainer: Make) -> None:
    class Breaks(Callback):
        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            pl_module.weight.grad.fill_(math.nan)

    with pytest.raises(ValueError, match="parameter 'weight' is not finite after batch 0"):
        trainer(terminate_on_nan=True, callbacks=[Breaks()]).fit(loss_module(1.0), ones())


def test_track_grad_norm(trainer: Make) -> None:
    made = trainer(track_grad_norm=2)
    made.fit(loss_module(3.0), ones())
    expected = pytest.approx(math.sqrt(18))  # the gradient is (3, 3) in every batch
    assert {name: value.item() for name, value in made.callback_metrics.items()} == {
        name: expected
        for kind in ("grad_2.0_norm/weight", "grad_2.0_norm_total")
        for name in (kind, f"{kind}_step", f"{kind}_epoch")
    }
    infinite = trainer(track_grad_norm="inf")
    infinite.fit(loss_module(3.0), ones())
    assert infinite.callback_metrics["grad_inf_norm_total"] == 3


def test_track_grad_norm_as_the_module_wants_it(trainer: Make) -> None:
    seen = []
    module = loss_module(1.0)
    vars(module)["log_grad_norm"] = lambda norms: seen.append(sorted(norms))
    trainer(track_grad_norm=1, limit_train_batches=1).fit(module, ones())
    assert seen == [["grad_1.0_norm/weight", "grad_1.0_norm_total"]]


def test_loggers_write_when_told(trainer: Make) -> None:
    saves = []

    class Log(leyden.Logger):
        name, version = "log", 0

        def log_metrics(self, metrics: Any, step: Any = None) -> None:
            pass

        def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
            pass

        def save(self) -> None:
            if made.run_state.hook == "leyden_update_end":
                saves.append(made.run_state.batch_idx)

    made = trainer(flush_logs_every_n_steps=2, logger=Log())
    made.fit(loss_module(1.0), ones(5))
    assert saves == [1, 3]


def test_training_loaders_of_different_length(trainer: Make) -> None:
    def batches(**given: Any) -> int:
        made = trainer(**given)
        module = loss_module(1.0)
        module.training_step = lambda batch, batch_idx: (module.weight * batch["a"][0]).sum()  # type: ignore[method-assign]
        made.fit(module, {"a": ones(5), "b": ones(2)})
        return int(made.global_step)

    assert batches() == 5
    assert batches(multiple_trainloader_mode="min_size") == 2


def test_prepare_data_per_node(trainer: Make) -> None:
    module = loss_module(1.0)
    trainer(prepare_data_per_node=False).fit(module, ones())
    assert module.prepare_data_per_node is False


def test_truncated_bptt_steps_of_the_trainer(trainer: Make) -> None:
    seen = []

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def training_step(self, batch: Any, batch_idx: int, hiddens: Any) -> Any:
            seen.append((tuple(batch[0].shape), hiddens))
            return {"loss": self.weight * batch[0].sum(), "hiddens": len(seen)}

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    trainer(truncated_bptt_steps=2).fit(Module(), DataLoader(TensorDataset(torch.ones(1, 5))))
    assert seen == [((1, 2), None), ((1, 2), 1), ((1, 1), 2)]


def test_without_the_plugin_the_errors_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "leyden-legacy")
    with pytest.raises(LeydenError, match="leyden-legacy"):
        Trainer(gpus=1)
    with pytest.raises(AttributeError):
        Trainer().tune  # noqa: B018
    with pytest.raises(TypeError):
        Trainer().fit(TinyModule(), train_dataloader=ones())  # type: ignore[call-arg]
    assert ArgumentTypeError is not None
