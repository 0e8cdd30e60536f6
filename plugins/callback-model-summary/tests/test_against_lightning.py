"""The same modules in both packages: the same text, number for number."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from leyden.testing import quiet


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.inner = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())

    def forward(self, x: Any) -> Any:
        return self.inner(self.norm(self.conv(x)))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 2)

    def forward(self, x: Any, scale: Any = 1.0) -> Any:
        y, state = self.lstm(x)
        return {"y": self.head(y * scale), "state": state}


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.embedding = nn.Embedding(1000, 16)

    def forward(self, x: Any) -> Any:
        return self.layer(self.embedding(x))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)
        self.two.weight = self.one.weight
        self.again = self.one

    def forward(self, x: Any) -> Any:
        return self.again(self.two(self.one(x)))


class Direct(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.table = nn.Parameter(torch.ones(3000)), nn.Parameter(torch.ones(2, 2))
        self.layer = nn.Linear(3, 1)

    def forward(self, x: Any) -> Any:
        return self.layer(x) * self.scale.sum()


class Frozen(Block):
    def __init__(self) -> None:
        super().__init__()
        self.conv.requires_grad_(False)
        self.norm.eval()
        self.unused = nn.Linear(1000, 1100)


class Empty(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.sum()


MODULES: dict[str, tuple[type[nn.Module], Any]] = {
    "convolutions": (Block, torch.zeros(2, 3, 9, 9)),
    "no example": (Block, None),
    "recurrent": (Recurrent, {"x": torch.zeros(2, 3, 5), "scale": torch.ones(())}),
    "positional": (Recurrent, (torch.zeros(2, 3, 5), torch.ones(()))),
    "attention": (Attention, torch.zeros(2, 6, dtype=torch.long)),
    "tied": (Tied, torch.zeros(3, 4)),
    "direct": (Direct, torch.zeros(3, 3)),
    "frozen": (Frozen, torch.zeros(2, 3, 9, 9)),
    "empty": (Empty, torch.zeros(2)),
    "huge": (lambda: nn.Sequential(nn.Linear(3000, 5000), nn.Linear(5000, 2)), torch.zeros(700, 3000)),  # type: ignore[dict-item]
}


def made(package: Any, kind: Any, example: Any) -> Any:
    class Module(package.api.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = kind()
            for name, one in self.net.named_children():
                setattr(self, name, one)
            self.example_input_array = example

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return self.net(*args, **kwargs)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return next(self.parameters()).sum()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Module()


@pytest.mark.parametrize("depth", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("name", MODULES)
def test_text_and_numbers(name: str, depth: int, both_packages: Any) -> None:
    if name == "direct" and depth not in (0, 1):
        pytest.skip("'other params' of deeper tables: see the README")
    texts, numbers = [], []
    for package in both_packages:
        module = made(package, *MODULES[name])
        with quiet():
            summary = package.part("utilities.model_summary").summarize(module, max_depth=depth)
            texts.append(str(summary))
        numbers.append(
            {
                attribute: getattr(summary, attribute)
                for attribute in (
                    "layer_names", "layer_types", "param_nums", "in_sizes", "out_sizes", "training_modes",
                    "total_training_modes", "total_parameters", "trainable_parameters", "total_layer_params",
                    "total_flops",
                )
            }
        )  # fmt: skip
        numbers[-1]["flops"] = {
            key: {str(one): count for one, count in value.items()}
            for key, value in summary.flop_counts.items()
        }
        numbers[-1]["size"] = pytest.approx(summary.model_size)
    assert texts[0] == texts[1]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    "number", [0, 9, 999, 1000, 99_999, 100_000, 123_456, 10**6, 5 * 10**9, 10**15, 10**17]
)
def test_counts(number: int, both_packages: Any) -> None:
    ours, theirs = (one.part("utilities.model_summary") for one in both_packages)
    assert ours.get_human_readable_count(number) == theirs.get_human_readable_count(number)
    assert ours.get_formatted_model_size(number / 7) == theirs.get_formatted_model_size(number / 7)


def test_layers_and_shapes(both_packages: Any) -> None:
    found = []
    for package in both_packages:
        part = package.part("utilities.model_summary")
        layer = part.LayerSummary(nn.Conv2d(3, 8, 3))
        module = layer.module if package.ours else layer._module
        before = layer.in_size, layer.out_size
        module(torch.rand(1, 3, 5, 5))
        module(torch.rand(2, 3, 5, 5))
        shapes = [part.parse_batch_shape(one) for one in (torch.zeros(2, 3), [torch.zeros(2), "x"], 3, None)]
        found.append((before, layer.in_size, layer.out_size, layer.num_parameters, layer.layer_type, shapes))
    assert found[0] == found[1]


def test_a_subclass_gets_the_same_arguments(both_packages: Any) -> None:
    found = []
    for package in both_packages:
        got: list[Any] = []

        class Own(package.callbacks.ModelSummary):  # type: ignore[name-defined, misc]
            @staticmethod
            def summarize(
                data: Any, total: int, trainable: int, size: float, modes: Any, **more: Any
            ) -> None:
                got.append((data, total, trainable, round(size, 9), modes, more))  # noqa: B023

        module = made(package, Block, torch.zeros(2, 3, 9, 9))
        with quiet():
            package.trainer(Own(max_depth=2, mark="x"), max_epochs=1).fit(module, [torch.zeros(1)])
        found.append(got)
    assert found[0] == found[1] and len(found[0]) == 1
