"""The summary as data and as text."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leyden import LightningModule
from leyden.errors import ConfigurationError
from leyden_callback_model_summary import summarize
from leyden_callback_model_summary.counts import human_readable_count
from leyden_callback_model_summary.summary import ModelSummary


class Nested(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(256, 512), nn.BatchNorm1d(512))
        self.head = nn.Linear(512, 10)
        self.scale = nn.Parameter(torch.ones(3))
        self.head.weight.requires_grad = False
        self.head.eval()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.body(x))
        return y


class WithExample(Nested):
    def __init__(self, example: Any = None) -> None:
        super().__init__()
        self.example_input_array = torch.zeros(10, 256) if example is None else example


TABLE = """\
  | Name         | Type        | Params | Mode  | FLOPs | In sizes  | Out sizes
-------------------------------------------------------------------------------------
0 | body         | Sequential  | 132 K  | train | 2.6 M | [10, 256] | [10, 512]
1 | body.0       | Linear      | 131 K  | train | 2.6 M | [10, 256] | [10, 512]
2 | body.1       | BatchNorm1d | 1.0 K  | train | 0     | [10, 512] | [10, 512]
3 | head         | Linear      | 5.1 K  | eval  | 102 K | [10, 512] | [10, 10]
  | other params | n/a         | 3      | n/a   | n/a   | n/a       | n/a
-------------------------------------------------------------------------------------
132 K     Trainable params
5.1 K     Non-trainable params
137 K     Total params
0.551     Total estimated model params size (MB)
3         Modules in train mode
1         Modules in eval mode
2.7 M     Total Flops"""


def text(summary: Any) -> str:
    return "\n".join(line.rstrip() for line in str(summary).splitlines())


def test_the_table() -> None:
    assert text(ModelSummary(WithExample(), max_depth=2)) == TABLE


@pytest.mark.parametrize(
    ("depth", "names"),
    [
        (0, []),
        (1, ["body", "head"]),
        (2, ["body", "body.0", "body.1", "head"]),
        (-1, ["body", "body.0", "body.1", "head"]),
    ],
)
def test_depth(depth: int, names: list[str]) -> None:
    assert summarize(Nested(), max_depth=depth).layer_names == names


@pytest.mark.parametrize("depth", [-2, 1.0, "1", None, True])
def test_a_depth_is_an_int_of_at_least_minus_one(depth: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^max_depth=.*-1 \(everything\)"):
        summarize(Nested(), max_depth=depth)


def test_sums() -> None:
    summary = summarize(Nested())
    assert summary.total_parameters == 256 * 512 + 512 + 2 * 512 + 512 * 10 + 10 + 3
    assert summary.trainable_parameters == summary.total_parameters - 5120
    assert summary.total_layer_params == summary.total_parameters - 3
    assert summarize(Nested(), 2).total_layer_params > summary.total_parameters
    assert summary.total_training_modes == {"train": 3, "eval": 1}
    assert summary.model_size == pytest.approx(summary.total_parameters * 4e-6)


def test_the_size_follows_the_data_types() -> None:
    module = Nested().double()
    module.head.half()
    head = 5130
    assert summarize(module).model_size == pytest.approx(
        ((summarize(module).total_parameters - head) * 8 + head * 2) * 1e-6
    )


def test_without_an_example_nothing_is_called() -> None:
    class Explodes(Nested):
        def forward(self, x: Tensor) -> Tensor:
            raise AssertionError

    summary = summarize(Explodes())
    assert summary.total_flops == 0
    assert [heading for heading, _ in summary.columns()][-1] == "FLOPs"
    assert summary.in_sizes == ["?", "?"]


def test_flops_are_those_of_matrix_products() -> None:
    summary = summarize(WithExample(), max_depth=2)
    assert {name: sum(one.values()) for name, one in summary.flop_counts.items()} == {
        "body": 2 * 10 * 256 * 512,
        "body.0": 2 * 10 * 256 * 512,
        "body.1": 0,
        "head": 2 * 10 * 512 * 10,
    }
    assert summary.total_flops == 2 * 10 * 512 * (256 + 10)


class TwoInputs(LightningModule):
    def __init__(self, example: Any) -> None:
        super().__init__()
        self.a = nn.Linear(2, 3)
        self.unused = nn.Linear(2, 3)
        self.pair = Pair()
        self.example_input_array = example

    def forward(self, x: Tensor, y: Tensor) -> Any:
        return self.pair(self.a(x), other=[y, (x, "text")])


class Pair(nn.Module):
    def forward(self, one: Tensor, other: Any) -> Any:
        return one, other


@pytest.mark.parametrize(
    "example",
    [
        (torch.zeros(4, 2), torch.zeros(5)),
        [torch.zeros(4, 2), torch.zeros(5)],
        {"y": torch.zeros(5), "x": torch.zeros(4, 2)},
    ],
)
def test_examples_of_several_inputs(example: Any) -> None:
    summary = summarize(TwoInputs(example))
    assert summary.in_sizes == [[4, 2], "?", [[4, 3], [[5], [[4, 2], "?"]]]]
    assert summary.out_sizes == [[4, 3], "?", [[4, 3], [[5], [[4, 2], "?"]]]]


def test_the_example_leaves_no_trace() -> None:
    class Draws(WithExample):
        def forward(self, x: Tensor) -> Tensor:
            random.random()
            assert not self.training and not torch.is_grad_enabled()
            return super().forward(x + torch.rand(10, 256))

    module = Draws()
    module.head.bias.grad = torch.ones(10)
    modes = [one.training for one in module.modules()]
    state = {name: one.clone() for name, one in module.state_dict().items()}
    before, python = torch.get_rng_state(), random.getstate()
    summarize(module, max_depth=-1)
    assert torch.equal(torch.get_rng_state(), before) and random.getstate() == python
    assert [one.training for one in module.modules()] == modes
    assert torch.equal(module.head.bias.grad, torch.ones(10))
    assert module.body[0].weight.grad is None
    assert all(torch.equal(one, state[name]) for name, one in module.state_dict().items())
    assert all(not one._forward_hooks for one in module.modules())


def test_an_example_that_does_not_fit_is_explained() -> None:
    module = WithExample(torch.zeros(10, 3))
    with pytest.raises(RuntimeError) as caught:
        summarize(module)
    assert "called with its example_input_array for the model summary" in caught.value.__notes__[0]
    assert module.training and not module.head.training
    assert all(not one._forward_hooks for one in module.modules())


class Lazy(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.lazy = nn.LazyLinear(5)
        self.known = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.known(self.lazy(x))
        return y


def test_lazy_parameters_are_left_out_and_said() -> None:
    with pytest.warns(UserWarning, match="lazy-parameters.*example_input_array"):
        summary = summarize(Lazy())
    assert summary.param_nums == [0, 12]
    assert summary.total_parameters == 12


def test_lazy_parameters_count_once_the_example_has_told_their_shape() -> None:
    module = Lazy()
    module.example_input_array = torch.zeros(1, 9)
    assert summarize(module).param_nums == [50, 12]


def test_the_example_takes_the_way_of_a_batch() -> None:
    class Transfers(WithExample):
        def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
            return batch[:4]

    assert summarize(Transfers()).in_sizes[0] == [4, 256]


def test_any_module_can_be_summarized() -> None:
    module: Any = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    assert summarize(module).param_nums == [9, 0]
    module.example_input_array = torch.zeros(7, 2)
    assert summarize(module).out_sizes == [[7, 3], [7, 3]]


def test_parameters_that_are_shared_count_once_in_all() -> None:
    module = nn.Sequential(nn.Linear(2, 2))
    module.append(module[0])
    assert summarize(module).total_parameters == 6


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0  "),
        (123, "123  "),
        (999, "999  "),
        (1000, "1.0 K"),
        (1234, "1.2 K"),
        (99_999, "100.0 K"),
        (100_000, "100 K"),
        (2_000_000, "2.0 M"),
        (3_000_000_000, "3.0 B"),
        (400_000_000_000_000, "400 T"),
        (5_000_000_000_000_000, "5,000 T"),
    ],
)
def test_counts_as_people_read_them(number: int, shown: str) -> None:
    assert human_readable_count(number) == shown


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        human_readable_count(-1)
