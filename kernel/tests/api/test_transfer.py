"""Nested batches: mapping, moving, measuring; and the way of a batch to its device in a run."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet

from leyden import LightningDataModule
from leyden.api.transfer import batch_sizes, map_nested, move_to_device

META = torch.device("meta")


class Pair(NamedTuple):
    """Two of something."""

    one: Any
    two: Any


@dataclasses.dataclass(frozen=True)
class Item:
    """A frozen container with a field that no constructor takes."""

    x: Any
    note: str = "kept"
    size: int = dataclasses.field(default=3, init=False)


class Graph:
    """Something with a ``to`` of its own, which changes itself."""

    device = "cpu"

    def to(self, device: Any) -> None:
        self.device = str(device)


def ones() -> torch.Tensor:
    """A tensor."""
    return torch.ones(2)


NESTED: dict[str, Any] = {
    "tensor": ones(),
    "list": [ones(), 3],
    "tuple": (ones(), "text"),
    "named tuple": Pair(ones(), [ones()]),
    "dict": {"x": ones(), "y": {"z": ones()}},
    "ordered dict": OrderedDict(x=ones()),
    "default dict": defaultdict(list, x=ones()),
    "dataclass": Item(ones()),
    "deep": {"a": [Pair(Item(ones()), None)]},
}


@pytest.mark.parametrize("batch", NESTED.values(), ids=NESTED)
def test_every_tensor_moves_and_containers_keep_their_type(batch: Any) -> None:
    moved = move_to_device(batch, META)
    found = list[torch.Tensor]()

    def take(one: torch.Tensor) -> torch.Tensor:
        found.append(one)
        return one

    map_nested(moved, lambda one: isinstance(one, torch.Tensor), take)
    assert found
    assert all(one.device == META for one in found)
    assert type(moved) is type(batch)
    if isinstance(batch, Item):
        assert (moved.note, moved.size) == ("kept", 3)
    if isinstance(batch, defaultdict):
        assert moved["new"] == []


@pytest.mark.parametrize("batch", NESTED.values(), ids=NESTED)
def test_what_is_there_already_is_not_touched(batch: Any) -> None:
    assert move_to_device(batch, torch.device("cpu")) is batch


@pytest.mark.parametrize("batch", [3, "text", None, [], {}, object, [1, "a"]], ids=repr)
def test_what_holds_no_tensor_comes_back_as_it_is(batch: Any) -> None:
    assert move_to_device(batch, META) is batch


def test_objects_with_a_method_of_their_own_move_themselves() -> None:
    graph = Graph()
    assert move_to_device([graph], META)[0] is graph
    assert graph.device == "meta"


@pytest.mark.parametrize(
    ("batch", "sizes"),
    [
        (torch.ones(5, 2), [5]),
        (torch.tensor(1.0), [1]),
        ("text", [4]),
        ([torch.ones(3), {"x": torch.ones(4, 1)}], [3, 4]),
        (Item(torch.ones(6)), [6, 4]),
        (7, []),
        (None, []),
    ],
    ids=str,
)
def test_sizes(batch: Any, sizes: list[int]) -> None:
    assert list(batch_sizes(batch)) == sizes


# -- in a run -------------------------------------------------------------------------------------------------------

HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


def noting(owner: str, log: list[str]) -> dict[str, Any]:
    """The three hooks, each of which adds to the batch."""

    def before(self: Any, batch: Any, dataloader_idx: int) -> Any:
        log.append(f"{owner} before {dataloader_idx}")
        return batch + 1

    def move(self: Any, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        log.append(f"{owner} to {device}")
        return batch + 10

    def after(self: Any, batch: Any, dataloader_idx: int) -> Any:
        log.append(f"{owner} after {dataloader_idx}")
        return batch + 100

    return dict(zip(HOOKS, (before, move, after), strict=True))


def test_the_modules_hooks_surround_the_move() -> None:
    log: list[str] = []
    module = Linear(**noting("module", log))
    quiet(limit_train_batches=1).fit(module, numbers())
    assert log == ["module before 0", "module to cpu", "module after 0"]
    assert module.seen == [[111, 112]]


def test_the_data_modules_hooks_go_before_the_modules() -> None:
    log: list[str] = []
    of_data = noting("data", log)
    del of_data["transfer_batch_to_device"]
    methods: dict[str, Any] = {"train_dataloader": lambda self: numbers(), **of_data}
    data = type("Data", (LightningDataModule,), methods)()
    module = Linear(**noting("module", log))
    quiet(limit_train_batches=1).fit(module, datamodule=data)
    assert log == ["data before 0", "module to cpu", "data after 0"]


def test_several_evaluation_loaders_are_told_apart() -> None:
    log: list[str] = []
    hooks = noting("module", log)
    module = Linear(validation_step=lambda self, batch, batch_idx, dataloader_idx: None, **hooks)
    quiet(limit_val_batches=1).validate(module, [numbers(), numbers()], verbose=False)
    assert [line for line in log if "before" in line] == ["module before 0", "module before 1"]


def test_where_nothing_is_to_be_done_the_loaders_own_batch_arrives() -> None:
    batches = [torch.ones(2, 2), torch.ones(2, 2)]
    seen: list[Any] = []
    module = Linear(on_train_batch_start=lambda self, batch, batch_idx: seen.append(batch))
    quiet().fit(module, iter(batches))
    assert [one is other for one, other in zip(seen, batches, strict=True)] == [True, True]
