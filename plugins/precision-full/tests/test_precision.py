from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from leyden.errors import ConfigurationError
from leyden.interfaces import Precision
from leyden_precision_full import DoublePrecision, FullPrecision, HalfPrecision

CPU = torch.device("cpu")
CONVERTING = [
    (DoublePrecision, "64-true", torch.float64),
    (HalfPrecision, "16-true", torch.float16),
    (HalfPrecision, "bf16-true", torch.bfloat16),
]
each = pytest.mark.parametrize(("cls", "name", "dtype"), CONVERTING)


class Pair(NamedTuple):
    x: Tensor
    label: str


@dataclass
class Item:
    x: Tensor
    index: Tensor


class Buffers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("mean", torch.ones(2))
        self.register_buffer("count", torch.arange(3))
        self.register_buffer("phase", torch.ones(2, dtype=torch.complex64))


@pytest.mark.parametrize(
    ("cls", "name", "long"),
    [
        (FullPrecision, "32", "32-true"),
        (FullPrecision, "32-true", "32-true"),
        (DoublePrecision, "64", "64-true"),
        (DoublePrecision, "64-true", "64-true"),
        (HalfPrecision, "16-true", "16-true"),
        (HalfPrecision, "bf16-true", "bf16-true"),
    ],
)
def test_names_are_kept_in_their_long_form(cls: type[Precision], name: str, long: str) -> None:
    assert cls.from_name(name, CPU).precision == long


@pytest.mark.parametrize("cls", [FullPrecision, DoublePrecision, HalfPrecision])
@pytest.mark.parametrize("name", ["16", "16-mixed", "", "32-True"])
def test_other_names_are_refused(cls: type[Precision], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"precision={name!r} is not possible: allowed is '"):
        cls(name)


def test_full_precision_overrides_nothing_that_a_step_calls() -> None:
    called = {name for name in vars(Precision) if not name.startswith("__")}
    assert called & set(vars(FullPrecision)) == set()


@each
def test_floating_point_parameters_and_buffers_are_converted(
    cls: type[Precision], name: str, dtype: torch.dtype
) -> None:
    module = Buffers()
    weight = module.layer.weight
    assert cls(name).convert_module(module) is module
    assert module.layer.weight is weight
    assert {one.dtype for one in module.parameters()} == {dtype}
    assert [module.mean.dtype, module.count.dtype, module.phase.dtype] == [
        dtype,
        torch.int64,
        torch.complex64,
    ]


@each
def test_floating_point_tensors_of_a_batch_are_converted(
    cls: type[Precision], name: str, dtype: torch.dtype
) -> None:
    x, index = torch.ones(2), torch.arange(2)
    batch = {
        "list": [x, index],
        "tuple": (x, True),
        "named": Pair(x, "a"),
        "item": Item(x, index),
        "ordered": OrderedDict(x=x),
        "other": "text",
    }
    found = cls(name).convert_input(batch)
    converted = [
        found["list"][0],
        found["tuple"][0],
        found["named"].x,
        found["item"].x,
        found["ordered"]["x"],
    ]
    assert {one.dtype for one in converted} == {dtype}
    assert found["list"][1] is index and found["item"].index is index
    assert type(found["named"]) is Pair and type(found["ordered"]) is OrderedDict
    assert (found["named"].label, found["other"], found["tuple"][1]) == ("a", "text", True)
    assert batch["item"].x.dtype is torch.float32  # type: ignore[attr-defined]


@each
def test_a_batch_that_fits_is_not_rebuilt(cls: type[Precision], name: str, dtype: torch.dtype) -> None:
    batch = [torch.ones(2, dtype=dtype), {"y": torch.arange(2)}]
    assert cls(name).convert_input(batch) is batch


@each
@pytest.mark.parametrize("context", ["forward_context", "init_context"])
def test_the_default_dtype_holds_within_and_not_after(
    cls: type[Precision], name: str, dtype: torch.dtype, context: str
) -> None:
    former = torch.get_default_dtype()
    with getattr(cls(name), context)():
        assert torch.empty(1).dtype is dtype
        assert nn.Linear(1, 1).weight.dtype is dtype
    assert torch.get_default_dtype() is former
    with pytest.raises(KeyError), getattr(cls(name), context)():
        raise KeyError
    assert torch.get_default_dtype() is former


@each
def test_what_a_step_returns_is_left_alone(cls: type[Precision], name: str, dtype: torch.dtype) -> None:
    output = torch.ones(1, dtype=dtype)
    assert cls(name).convert_output(output) is output


def test_a_device_without_float64_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"precision='64-true' .*MPS has no float64"):
        DoublePrecision.from_name("64-true", torch.device("mps"))


@each
def test_a_step_equals_the_one_written_by_hand(cls: type[Precision], name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, module, by_hand = torch.randn(8, 3), nn.Linear(3, 1), nn.Linear(3, 1)
    by_hand.load_state_dict(module.state_dict())
    precision = cls(name)
    precision.convert_module(module)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    with precision.forward_context():
        loss = module(precision.convert_input(x)).pow(2).mean()
    precision.scale(loss).backward()
    precision.unscale(optimizer)
    precision.step(optimizer)
    by_hand.to(dtype)
    by_hand(x.to(dtype)).pow(2).mean().backward()
    torch.optim.SGD(by_hand.parameters(), 0.1).step()
    assert torch.equal(module.weight, by_hand.weight)
    assert module.weight.dtype is dtype


def test_there_is_no_state() -> None:
    states: list[Any] = [cls().state_dict() for cls in (FullPrecision, DoublePrecision, HalfPrecision)]
    assert states == [{}, {}, {}]
