from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden import Callback, Trainer
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import EnvironmentContract, PluginContract, TinyData, TinyModule
from leyden_environment_slurm import SLURMEnvironment
from leyden_environment_slurm.requeue import latest, next_checkpoint

ALONE = pytest.mark.skipif(
    "PYTEST_XDIST_WORKER" in os.environ, reason="signals: in a process of its own, without xdist"
)

VARIABLES = {
    "SLURM_JOB_ID": "1234567",
    "SLURM_JOB_NAME": "train",
    "SLURM_NODELIST": "node[07-09,12]",
    "SLURM_NTASKS": "8",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_NNODES": "4",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "2",
}
ONE = {**VARIABLES, "SLURM_NTASKS": "1", "SLURM_NTASKS_PER_NODE": "1", "SLURM_NNODES": "1"}
ONE |= {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}


def put(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


class TestContract(EnvironmentContract):
    entry_point = "slurm"
    variables = VARIABLES


class TestRequeueContract(PluginContract):
    entry_point = "slurm_requeue"


def test_rank_zero_is_on_the_first_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, VARIABLES)
    environment = SLURMEnvironment()
    assert (environment.main_address, environment.main_port) == ("node07", 19567)
    assert (environment.job_id(), environment.job_name()) == (1234567, "train")


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("alpha", "alpha"),
        ("alpha,beta", "alpha"),
        ("alpha beta", "alpha"),
        ("host[5-9]", "host5"),
        ("host[05]", "host05"),
        ("host[1,3],other[2-4]", "host1"),
        ("rack[2-3]-a", "rack2-a"),
        ("rack[2,4]-a,x", "rack2-a"),
    ],
)
def test_lists_of_machines(nodes: str, first: str) -> None:
    assert SLURMEnvironment.resolve_root_node_address(nodes) == first


@pytest.mark.parametrize("name", ["bash", "interactive"])
def test_interactive_jobs_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, {**VARIABLES, "SLURM_JOB_NAME": name})
    assert not SLURMEnvironment.detect()
    assert SLURMEnvironment.job_id() is None


def test_the_trainer_must_fit_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, VARIABLES)
    environment = SLURMEnvironment()
    environment.validate_settings(2, 4)
    with pytest.raises(ConfigurationError, match="devices=4 .*--ntasks-per-node=2"):
        environment.validate_settings(4, 4)
    with pytest.raises(ConfigurationError, match="num_nodes=1 .*--nodes=4"):
        environment.validate_settings(2, 1)


def test_tasks_that_are_not_divided_between_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, VARIABLES)
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(ConfigurationError, match="--ntasks-per-node"):
        SLURMEnvironment()


@pytest.mark.parametrize(
    "arguments", [{"auto_requeue": "no"}, {"requeue_signal": "USR1"}, {"requeue_signal": 10}]
)
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentTypeError):
        SLURMEnvironment(**arguments)


class Told(Callback):
    """The time runs out in the second batch of the second epoch."""

    def __init__(self, which: signal.Signals) -> None:
        self.which = which

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == 3:
            os.kill(os.getpid(), self.which)


def scontrol(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> Path:
    """A program of that name that writes down its arguments."""
    log, program = folder / "calls", folder / "bin" / "scontrol"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\necho nothing doing >&2\nexit {code}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log


def fit(folder: Path, *callbacks: Callback, epochs: int = 3, **keywords: Any) -> tuple[Trainer, TinyModule]:
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **keywords,
    )
    module = TinyModule()
    trainer.fit(module, datamodule=TinyData())
    return trainer, module


@ALONE
def test_the_job_saves_and_requeues_itself_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, ONE)
    calls, before = scontrol(tmp_path, monkeypatch), signal.getsignal(signal.SIGUSR1)
    _, wanted = fit(tmp_path, Told(signal.SIGUSR1))
    assert calls.read_text() == "requeue 1234567\n"
    assert signal.getsignal(signal.SIGUSR1) is before
    saved = torch.load(tmp_path / "hpc_ckpt_1.ckpt", weights_only=True)
    assert saved["global_step"] == 4
    trainer, module = fit(tmp_path)  # started again
    assert trainer.ckpt_path == str(tmp_path / "hpc_ckpt_1.ckpt")
    assert trainer.global_step == 6
    for name, weight in wanted.state_dict().items():
        assert module.state_dict()[name].equal(weight)
    assert next_checkpoint(str(tmp_path)) == str(tmp_path / "hpc_ckpt_2.ckpt")


@ALONE
def test_an_array_job_has_two_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, {**ONE, "SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": "3"})
    calls = scontrol(tmp_path, monkeypatch)
    fit(tmp_path, Told(signal.SIGUSR1))
    assert calls.read_text() == "requeue 77_3\n"


@ALONE
def test_a_job_that_cannot_be_requeued_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, ONE)
    scontrol(tmp_path, monkeypatch, code=1)
    with pytest.warns(
        UserWarning, match=r"\[slurm-requeue\] scontrol requeue 1234567 ended with 1: nothing doing"
    ):
        fit(tmp_path, Told(signal.SIGUSR1))
    assert latest(str(tmp_path)) == 1


def test_a_handler_of_the_programs_own_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, ONE)
    told: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: told.append(number))
    try:
        fit(tmp_path, Told(signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert told and latest(str(tmp_path)) == 0


def test_without_a_job_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PREEMPTION_SIGNALS", "")  # of another plugin, where it is installed
    seen: list[Any] = []

    class Look(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            seen.append(signal.getsignal(signal.SIGUSR1))

    before = signal.getsignal(signal.SIGUSR1)
    fit(tmp_path, Look(), epochs=1)
    assert seen == [before]
