from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from leyden.errors import ConfigurationError, DetachedError
from leyden.interfaces import Accelerator, Precision
from leyden_strategy_single_device import SingleDeviceStrategy

CPU = torch.device("cpu")


class Hardware(Accelerator):
    """An accelerator that writes down what it is asked for."""

    name = "hardware"

    def __init__(self) -> None:
        self.calls: list[Any] = []

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def auto_device_count() -> int:
        return 1

    def parse_devices(self, devices: Any) -> list[int]:
        return [0]

    def get_parallel_devices(self, indices: list[int]) -> list[torch.device]:
        return [CPU for _ in indices]

    def setup_device(self, device: torch.device) -> None:
        self.calls.append(("setup", device))

    def teardown(self) -> None:
        self.calls.append("teardown")


class Double(Precision):
    def convert_module(self, module: nn.Module) -> nn.Module:
        return module.double()


class Movable(nn.Linear):
    """A module that writes down its moves instead of making them."""

    def __init__(self) -> None:
        super().__init__(2, 1)
        self.moves: list[str] = []

    def to(self, *args: Any, **kwargs: Any) -> Movable:
        self.moves.append(str(args[0]))
        return self

    def cpu(self) -> Movable:
        self.moves.append("cpu")
        return self


def connected(strategy: SingleDeviceStrategy, devices: list[torch.device], **changes: Any) -> Hardware:
    hardware = Hardware()
    given = {
        "accelerator": hardware,
        "num_nodes": 1,
        "precision": Precision(),
        "checkpoint_io": None,
        **changes,
    }
    strategy.connect(devices=devices, **given)
    return hardware


def test_the_device_is_the_runs() -> None:
    strategy = SingleDeviceStrategy()
    hardware = connected(strategy, [CPU])
    assert strategy.root_device == CPU
    assert (strategy.world_size, strategy.global_rank, strategy.local_rank, strategy.node_rank) == (
        1,
        0,
        0,
        0,
    )
    assert strategy.is_global_zero
    strategy.setup_environment()
    strategy.teardown()
    assert hardware.calls == [("setup", CPU), "teardown"]


def test_without_a_run_there_is_no_device() -> None:
    with pytest.raises(DetachedError, match="belongs to none yet"):
        _ = SingleDeviceStrategy().root_device


@pytest.mark.parametrize("devices", [[CPU, CPU], [torch.device("cuda", 0), torch.device("cuda", 1)], []])
def test_exactly_one_device_is_asked_for(devices: list[torch.device]) -> None:
    with pytest.raises(ConfigurationError, match=r"exactly one .*leyden-strategy-ddp"):
        connected(SingleDeviceStrategy(), devices)


def test_several_nodes_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"num_nodes=2 .*leyden-strategy-ddp"):
        connected(SingleDeviceStrategy(), [CPU], num_nodes=2)


@pytest.mark.parametrize("device", ["cuda:1", torch.device("cuda", 1)])
def test_a_given_device_goes_before_the_runs(device: Any) -> None:
    strategy = SingleDeviceStrategy(device)
    assert strategy.root_device == torch.device("cuda", 1)
    connected(strategy, [torch.device("cuda", 0), torch.device("cuda", 1)])
    assert strategy.root_device == torch.device("cuda", 1)
    assert strategy.devices == [torch.device("cuda", 1)]


def test_a_device_of_another_accelerator_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"device='cuda:1' .*\(cpu\).*accelerator='cuda'"):
        connected(SingleDeviceStrategy("cuda:1"), [CPU])


@pytest.mark.parametrize("device", ["nonsense", "cpu:x", 1.5])
def test_what_is_no_device_is_refused(device: Any) -> None:
    with pytest.raises(ConfigurationError, match="device="):
        SingleDeviceStrategy(device)


def test_components_of_the_constructor_are_seen_by_the_trainer_and_taken_back() -> None:
    hardware, precision = Hardware(), Double()
    strategy = SingleDeviceStrategy("cpu", accelerator=hardware, precision_plugin=precision)
    assert (strategy.accelerator, strategy.precision) == (hardware, precision)
    connected(strategy, [CPU], accelerator=hardware, precision=precision)
    assert (strategy.accelerator, strategy.precision) == (hardware, precision)


@pytest.mark.parametrize(
    ("argument", "component"), [("accelerator", Hardware()), ("precision_plugin", Double())]
)
def test_two_components_of_a_kind_are_refused(argument: str, component: Any) -> None:
    name = argument.removesuffix("_plugin")
    strategy = SingleDeviceStrategy("cpu", **{argument: component})
    with pytest.raises(ConfigurationError, match=f"strategy has {name} {type(component).__name__}"):
        connected(strategy, [CPU])


def test_the_module_is_converted_and_placed() -> None:
    strategy = SingleDeviceStrategy("cpu")
    connected(strategy, [CPU], precision=Double())
    module = nn.Linear(2, 1)
    assert strategy.setup(module) is module
    assert module.weight.dtype is torch.float64


def test_collectives_of_one_process_are_identities() -> None:
    strategy = SingleDeviceStrategy("cpu")
    tensor = torch.arange(3.0)
    assert strategy.reduce(tensor) is tensor
    assert strategy.all_gather(tensor) is tensor
    assert strategy.broadcast("text") == "text"
    assert [strategy.reduce_boolean_decision(one) for one in (True, False)] == [True, False]


def test_the_module_comes_back_to_the_cpu_before_the_cache_is_emptied() -> None:
    strategy, module = SingleDeviceStrategy(), Movable()
    hardware = connected(strategy, [torch.device("cuda", 0)])
    strategy.setup(module)
    strategy.teardown()
    assert module.moves == ["cuda:0", "cpu"]
    assert hardware.calls == ["teardown"]


def test_on_the_cpu_nothing_is_moved() -> None:
    strategy, module = SingleDeviceStrategy(), Movable()
    connected(strategy, [CPU])
    strategy.setup(module)
    strategy.teardown()
    assert module.moves == ["cpu"]


def test_a_run_that_failed_before_setup_can_be_torn_down() -> None:
    strategy = SingleDeviceStrategy()
    hardware = connected(strategy, [torch.device("cuda", 0)])
    strategy.teardown()
    assert hardware.calls == ["teardown"]
    SingleDeviceStrategy("cuda").teardown()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_parameters_and_optimizer_states_leave_the_gpu() -> None:
    strategy, module = SingleDeviceStrategy(), nn.Linear(2, 1)
    device = torch.device("cuda", 0)
    connected(strategy, [device])
    strategy.setup(module)
    optimizer = torch.optim.Adam(module.parameters())
    strategy.setup_optimizers([optimizer])
    module(torch.ones(1, 2, device=device)).sum().backward()
    optimizer.step()
    strategy.teardown()
    states = [value for state in optimizer.state.values() for value in state.values()]
    assert {tensor.device for tensor in [*module.parameters(), *states]} == {CPU}
