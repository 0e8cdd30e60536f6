"""What every strategy does unless it says otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import leyden
from leyden.errors import ConfigurationError
from leyden.interfaces import ClusterEnvironment, Precision, Strategy


class OneProcess(Strategy):
    @property
    def root_device(self) -> torch.device:
        return torch.device("cpu")


def test_empty_init_leaves_out_initialisation() -> None:
    strategy, calls = OneProcess(), []

    class Layer(nn.Linear):
        def reset_parameters(self) -> None:
            calls.append(torch.get_rng_state().sum())
            super().reset_parameters()
            calls.append(torch.get_rng_state().sum())

    state = torch.get_rng_state()
    with strategy.init_context(empty_init=True):
        Layer(4, 2)
    assert torch.equal(torch.get_rng_state(), state)
    with strategy.init_context():
        Layer(4, 2)
    assert len(calls) == 4
    assert not torch.equal(torch.get_rng_state(), state)
    torch.set_rng_state(state)


def test_a_precision_converts_what_steps_return() -> None:
    class Doubling(Precision):
        def convert_output(self, data: Any) -> Any:
            return data * 2

    class Module:
        def training_step(self, batch: int) -> int:
            return batch + 1

    strategy = OneProcess()
    strategy.module = Module()
    assert strategy.bind_step("training_step")(1) == 2
    strategy.precision = Doubling()
    assert strategy.bind_step("training_step")(1) == 4


class Cluster(ClusterEnvironment):
    creates_processes_externally = True
    main_address, main_port = "localhost", 1

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return 1

    def global_rank(self) -> int:
        return 0

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return 0


def test_an_environment_goes_to_a_strategy_that_uses_it_and_to_no_other() -> None:
    class Several(OneProcess):
        uses_environment = True

    environment, strategy = Cluster(), Several()
    leyden.Trainer(strategy=strategy, plugins=environment, logger=False, max_epochs=1)
    assert strategy.environment is environment
    with pytest.raises(ConfigurationError, match="no ClusterEnvironment with OneProcess"):
        leyden.Trainer(strategy=OneProcess(), plugins=environment, logger=False, max_epochs=1)


def test_metrics_are_reduced_over_the_group_that_was_named() -> None:
    groups: list[Any] = []

    class Counting(OneProcess):
        world_size = 2

        def all_gather(self, tensor: torch.Tensor, group: Any = None, sync_grads: bool = False) -> Any:
            groups.append(group)
            return tensor

    class Module(leyden.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("x", self.layer(batch).sum(), sync_dist=True, sync_dist_group="mine")

    trainer = leyden.Trainer(
        strategy=Counting(), logger=False, enable_progress_bar=False, enable_model_summary=False, max_epochs=1
    )
    trainer.validate(Module(), [torch.ones(2, 1)], verbose=False)
    assert set(groups) == {None, "mine"}  # all come to the end of the data, whoever has logged something
