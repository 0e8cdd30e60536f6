"""With a fake of torch_xla, whose devices are the CPU: see ``fake/``."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningDataModule, Trainer
from leyden.errors import ConfigurationError
from leyden.interfaces import Precision
from leyden.testing import Runner, TinyModule
from leyden.testing.host import HostAccelerator
from leyden_accelerator_xla.engine import engine
from leyden_distributed import RankFailureError
from leyden_strategy_xla import SingleDeviceXLAStrategy, XLAStrategy
from leyden_strategy_xla.device import share, shared_parameters

OWN = ["leyden-accelerator-xla", "leyden-distributed", "leyden-strategy-single-device", "leyden-strategy-xla"]


def quiet(**keywords: Any) -> Trainer:
    off = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return Trainer(**{**off, **keywords})


def connected(strategy: Any, precision: str = "32-true", devices: int = 2) -> Any:
    strategy.connect(
        accelerator=HostAccelerator(),
        devices=[torch.device("xla", one) for one in range(devices)],
        num_nodes=1,
        precision=Precision(precision),
        checkpoint_io=None,
    )
    return strategy


def test_names_make_the_strategies() -> None:
    assert XLAStrategy.from_name("xla").debug is False
    assert XLAStrategy.from_name("xla_debug").debug is True
    assert type(SingleDeviceXLAStrategy.from_name("single_tpu")) is SingleDeviceXLAStrategy


@pytest.mark.parametrize(
    ("devices", "kind"), [(1, SingleDeviceXLAStrategy), (2, XLAStrategy), ("auto", XLAStrategy)]
)
def test_the_accelerator_brings_its_strategy(devices: Any, kind: type) -> None:
    trainer = quiet(accelerator="tpu", devices=devices)
    assert type(trainer.strategy) is kind
    assert trainer.strategy.root_device == torch.device("xla", 0)
    assert "_processes" not in vars(engine()) or not vars(sys.modules["torch_xla._processes"])["started"]


def test_auto_takes_the_tpu_first() -> None:
    assert quiet().accelerator.name == "tpu"


def test_without_torch_xla_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leyden_accelerator_xla.engine.find_spec", lambda name: None)
    for kind in (XLAStrategy, SingleDeviceXLAStrategy):
        with pytest.raises(ConfigurationError, match=r"need torch_xla.*pip install torch_xla"):
            kind()


@pytest.mark.parametrize("make", [XLAStrategy, lambda: SingleDeviceXLAStrategy(0)])
def test_loss_scaling_is_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"precision='16-mixed' .*'bf16-mixed'"):
        connected(make(), "16-mixed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start_method": "popen"}, "torch_xla starts the processes"),
        ({"start_method": "thread"}, "start_method='thread'"),
        ({"timeout": timedelta(0)}, "timeout"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        XLAStrategy(**arguments)


def test_another_device_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"device='cuda:0' .*an XLA device"):
        SingleDeviceXLAStrategy("cuda:0")
    assert SingleDeviceXLAStrategy(1)._device == torch.device("xla", 1)


def test_torchrun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    with pytest.raises(ConfigurationError, match="with python, once on each machine"):
        connected(XLAStrategy())


@pytest.mark.parametrize("operation", ["median", 3])
def test_other_operations_and_groups_are_refused(operation: Any) -> None:
    strategy = connected(XLAStrategy())
    with pytest.raises(ConfigurationError, match="reduce_op="):
        strategy.reduce(torch.ones(1), reduce_op=operation)
    with pytest.raises(ConfigurationError, match="group="):
        strategy.all_gather(torch.ones(1), group="some of them")


def test_a_graph_ends_with_a_batch_and_with_an_update(leyden_run: Runner) -> None:
    before = engine().syncs
    outcome = leyden_run(
        "fit", allowed=OWN, strategy=SingleDeviceXLAStrategy(), accumulate_grad_batches=2, limit_val_batches=0
    ).ok()
    batches = outcome.trainer.num_training_batches
    assert engine().syncs - before == batches + outcome.trainer.global_step
    assert outcome.trainer.global_step == (batches + 1) // 2


def test_what_layers_share_stays_shared_when_parameters_become_others() -> None:
    module = nn.ModuleDict({"encode": nn.Linear(4, 4), "decode": nn.Linear(4, 4)})
    module["decode"].weight = module["encode"].weight
    groups = shared_parameters(module)
    assert groups == [["encode.weight", "decode.weight"]]
    module.to("meta")  # as with XLA, parameters cannot keep their identity
    share(module, groups)
    assert module["decode"].weight is module["encode"].weight


@pytest.mark.multiprocess
def test_the_runtime_must_have_as_many_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = quiet(accelerator=HostAccelerator(), devices=2, strategy=XLAStrategy(), max_epochs=1)
    monkeypatch.setenv("FAKE_TPU_CHIPS", "1")
    with pytest.raises(ConfigurationError, match=r"devices=2 with num_nodes=1 .*the runtime has 1 devices"):
        trainer.fit(TinyModule())


class Killed(TinyModule):
    """The last process ends before it trains."""

    def on_train_start(self) -> None:
        if self.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class Rows(LightningDataModule):
    """Sixteen samples in order."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self) -> Any:
        x = torch.linspace(-1, 1, 64).reshape(16, 4)
        return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=self.batch_size)


@pytest.mark.multiprocess
def test_gradients_are_averaged_in_the_batch_that_closes_a_window(leyden_run: Runner) -> None:
    """Two processes that accumulate two batches of two train as one process with batches of eight; clipped as well."""
    keywords: dict[str, Any] = {"limit_val_batches": 0, "max_epochs": 2, "gradient_clip_val": 0.5}
    clipping = "leyden-option-gradient-clipping"
    several = leyden_run(
        "fit", allowed=[*OWN, clipping], strategy=XLAStrategy(), devices=2, accumulate_grad_batches=2, data=Rows(2),
        **keywords,
    ).ok()  # fmt: skip
    one = leyden_run("fit", allowed=[clipping], data=Rows(8), **keywords).ok()
    assert several.trainer.global_step == one.trainer.global_step == 4
    for name, weight in one.module.state_dict().items():
        torch.testing.assert_close(several.module.state_dict()[name], weight, rtol=1e-6, atol=1e-6)


@pytest.mark.multiprocess
def test_a_process_that_is_gone_without_a_word_is_said_to_be(leyden_run: Runner) -> None:
    outcome = leyden_run("fit", allowed=OWN, strategy=XLAStrategy(), devices=2, module=Killed())
    assert isinstance(outcome.exception, RankFailureError)
    assert "gone without a word" in str(outcome.exception)


@pytest.mark.tpu
@pytest.mark.skipif(
    "'torch_xla' not in sys.modules", reason="needs a TPU and torch_xla, in place of the fake"
)
def test_on_real_devices() -> None:
    trainer, module = quiet(accelerator="tpu", max_epochs=2), TinyModule()
    before = module.layer.weight.detach().clone()
    trainer.fit(module)
    assert not torch.equal(module.layer.weight, before)
