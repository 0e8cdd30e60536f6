from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
import torch
from torch.distributed.algorithms.ddp_comm_hooks.post_localSGD_hook import PostLocalSGDState

from leyden import Trainer
from leyden.errors import ArgumentTypeError, ConfigurationError, PluginNotFoundError
from leyden.plugins.components import resolve
from leyden.testing import TinyData, TinyModule
from leyden_distributed import LightningEnvironment
from leyden_strategy_ddp import DDPStrategy

QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "max_epochs": 1,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


@pytest.mark.parametrize("unused", [None, False, True])
@pytest.mark.parametrize(
    ("name", "method"),
    [("ddp", "popen"), ("ddp_spawn", "spawn"), ("ddp_fork", "fork"), ("ddp_notebook", "fork")],
)
def test_names(name: str, method: str, unused: bool | None) -> None:
    name = name if unused is None else f"{name}_find_unused_parameters_{str(unused).lower()}"
    strategy = resolve("strategies", name).from_name(name)
    assert type(strategy) is DDPStrategy
    assert strategy.start_method == method
    assert strategy._ddp_kwargs == ({} if unused is None else {"find_unused_parameters": unused})


@pytest.mark.parametrize(
    ("devices", "nodes", "wanted"),
    [(2, 1, DDPStrategy), (1, 2, DDPStrategy), (2, 2, DDPStrategy)],
)
def test_auto_takes_it_for_several_processes(devices: int, nodes: int, wanted: type) -> None:
    trainer = Trainer(devices=devices, num_nodes=nodes, **QUIET)
    assert type(trainer.strategy) is wanted
    assert (trainer.world_size, trainer.num_nodes, trainer.num_devices) == (devices * nodes, nodes, devices)
    assert trainer.distributed_sampler_kwargs == {"num_replicas": devices * nodes, "rank": 0}
    assert trainer.is_global_zero


def test_a_rank_is_node_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from leyden.api.rank_zero import rank, set_rank

    monkeypatch.setenv("NODE_RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    before = rank()
    try:
        trainer = Trainer(devices=2, num_nodes=3, strategy="ddp", **QUIET)
        assert (trainer.global_rank, trainer.local_rank, trainer.node_rank, trainer.world_size) == (
            3,
            1,
            1,
            6,
        )
        assert not trainer.is_global_zero
        assert rank() == 3
    finally:
        set_rank(before)


def test_in_an_interactive_session_auto_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert Trainer(devices=2, **QUIET).strategy.start_method == "fork"
    with pytest.raises(ConfigurationError, match=r"interactive session.*strategy='ddp_notebook'"):
        Trainer(devices=2, strategy="ddp", **QUIET)


def test_a_program_that_is_no_file_s_cannot_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ``python -c``, or ``python < train.py``."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setattr(sys, "argv", ["-c"])
    trainer = Trainer(devices=2, strategy="ddp", **QUIET)
    with pytest.raises(ConfigurationError, match=r"is no file's.*strategy='ddp_notebook'"):
        trainer.fit(TinyModule(), datamodule=TinyData())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"start_method": "thread"}, "start_method='thread' .*'fork', 'forkserver', 'popen', 'spawn'"),
        ({"start_method": "spwan"}, "Did you mean 'spawn'"),
        ({"timeout": 30}, "timeout=30 .*timedelta"),
        ({"timeout": timedelta(0)}, "more than 0 seconds"),
        (
            {"find_unused_parameter": True},
            "no argument 'find_unused_parameter'.*Did you mean 'find_unused_parameters'",
        ),
        ({"ddp_comm_hook": "fp16"}, "ddp_comm_hook='fp16' .*a function"),
        ({"ddp_comm_wrapper": 1}, "ddp_comm_wrapper=1"),
        ({"model_averaging_period": 4}, "None without a PostLocalSGDState"),
        ({"model_averaging_period": 0}, "model_averaging_period=0"),
        ({"join": "yes"}, "join='yes'"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        DDPStrategy(**arguments)


def test_local_sgd_needs_a_period() -> None:
    state = PostLocalSGDState(process_group=None, subgroup=None, start_localSGD_iter=2)
    with pytest.raises(ConfigurationError, match="model_averaging_period=None .*an int"):
        DDPStrategy(ddp_comm_state=state)
    assert DDPStrategy(ddp_comm_state=state, model_averaging_period=3)._averaging is not None


def test_an_environment_is_given_once() -> None:
    mine, other = LightningEnvironment(), LightningEnvironment()
    assert (
        Trainer(devices=2, strategy=DDPStrategy(cluster_environment=mine), **QUIET).strategy.environment
        is mine
    )
    with pytest.raises(ConfigurationError, match="cluster_environment LightningEnvironment and plugins"):
        Trainer(devices=2, strategy=DDPStrategy(cluster_environment=mine), plugins=[other], **QUIET)


def test_the_place_must_be_in_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ConfigurationError, match="devices=2 .*more than LOCAL_RANK=2"):
        Trainer(devices=2, strategy="ddp", **QUIET)
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("NODE_RANK", "1")
    with pytest.raises(ConfigurationError, match="num_nodes=1 .*more than NODE_RANK=1"):
        Trainer(devices=2, strategy="ddp", **QUIET)


def test_synchronised_batch_normalisation_has_no_kernel_on_a_cpu() -> None:
    with pytest.raises(ConfigurationError, match="sync_batchnorm=True .*False on the CPU"):
        Trainer(devices=2, strategy="ddp", sync_batchnorm=True, **QUIET)
    Trainer(devices=1, sync_batchnorm=True, **QUIET)
    with pytest.raises(ArgumentTypeError, match="sync_batchnorm"):
        Trainer(devices=1, sync_batchnorm="yes", **QUIET)


def test_batch_normalisation_is_converted_and_given_back() -> None:
    from leyden_strategy_ddp.strategy import convert_batch_norm, revert_batch_norm

    module = torch.nn.Sequential(
        torch.nn.Linear(2, 3),
        torch.nn.BatchNorm1d(3),
        torch.nn.Sequential(torch.nn.BatchNorm2d(4, affine=False)),
    )
    weight, state = module[1].weight, {name: one.clone() for name, one in module.state_dict().items()}
    classes = convert_batch_norm(module)
    assert type(module[1]) is type(module[2][0]) is torch.nn.SyncBatchNorm
    assert module[1].weight is weight
    revert_batch_norm(module, classes)
    assert (type(module[1]), type(module[2][0])) == (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    assert module[1].weight is weight
    assert all(one.equal(state[name]) for name, one in module.state_dict().items())
    assert module[1](torch.ones(2, 3)).shape == (2, 3)


def test_predictions_do_not_come_back_from_workers() -> None:
    from leyden.testing import TinyData, TinyModule

    trainer = Trainer(devices=2, strategy="ddp_fork", **QUIET)
    with pytest.raises(ConfigurationError, match=r"return_predictions=True .*on_predict_batch_end"):
        trainer.predict(TinyModule(), datamodule=TinyData(), return_predictions=True)


def test_a_name_of_nobody() -> None:
    with pytest.raises(PluginNotFoundError, match="ddp_fork"):
        Trainer(devices=2, strategy="ddp_frok", **QUIET)


def test_importing_leyden_imports_neither_torch_distributed_nor_this() -> None:
    code = "import sys, leyden; print([one for one in sys.modules if one.startswith(('torch', 'leyden_'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
