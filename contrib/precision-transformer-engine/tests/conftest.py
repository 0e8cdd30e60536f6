"""A fake of Transformer Engine: its two layers and its context by name, computing as torch does, on any device."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from torch import nn


class Format(Enum):
    E4M3 = "e4m3"
    HYBRID = "hybrid"


@dataclass
class DelayedScaling:
    margin: int = 0
    fp8_format: Format = Format.HYBRID


class Linear(nn.Module):
    """Does not subclass torch's, as in the engine."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        inner = nn.Linear(in_features, out_features, bias)
        self.weight, self.bias = inner.weight, inner.bias

    def forward(self, x: Any) -> Any:
        return nn.functional.linear(x, self.weight, self.bias)


class LayerNorm(nn.Module):
    def __init__(self, size: int, eps: float = 1e-5) -> None:
        super().__init__()
        inner = nn.LayerNorm(size, eps)
        self.weight, self.bias, self.eps, self.size = inner.weight, inner.bias, eps, size

    def forward(self, x: Any) -> Any:
        return nn.functional.layer_norm(x, (self.size,), self.weight, self.bias, self.eps)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The fake is what ``import transformer_engine`` finds; ``entered`` holds the recipes of its contexts."""
    entered: list[Any] = []

    @contextmanager
    def autocast(enabled: bool = True, recipe: Any = None) -> Iterator[None]:
        entered.append(recipe)
        yield

    for one, module in (
        (Linear, "pytorch"),
        (LayerNorm, "pytorch"),
        (DelayedScaling, "common.recipe"),
        (Format, "common.recipe"),
    ):
        monkeypatch.setattr(one, "__module__", f"transformer_engine.{module}")
    parts: dict[str, dict[str, Any]] = {
        "transformer_engine": {},
        "transformer_engine.pytorch": {"Linear": Linear, "LayerNorm": LayerNorm, "autocast": autocast},
        "transformer_engine.common": {},
        "transformer_engine.common.recipe": {"DelayedScaling": DelayedScaling, "Format": Format},
    }
    for path, values in parts.items():
        module = ModuleType(path)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, path, module)
    return SimpleNamespace(
        entered=entered,
        module=sys.modules["transformer_engine.pytorch"],
        recipe=DelayedScaling,
        format=Format,
    )
