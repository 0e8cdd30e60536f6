"""Linear layers that are others while a run lasts."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import nn

from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError
from leyden.interfaces import Precision


class LinearPrecision(Precision):
    """Replaces linear layers when a run begins, and puts them back when it ends.

    A replaced layer has the parameters of the layer itself: names in checkpoints, optimizers and what is left after the
    run are those of the plain module.

    Args:
        precision: the name.
        ignore_modules: paths; linear layers in and below them stay as they are, e.g. ``{"lm_head"}``.

    Raises:
        leyden.errors.ArgumentTypeError: ``ignore_modules`` holds something else than paths.
    """

    def __init__(self, precision: str, ignore_modules: Iterable[str] | None = None) -> None:
        super().__init__(precision)
        self.ignore_modules = _paths(ignore_modules)
        self._replaced: list[tuple[nn.Module, str, nn.Linear, Any]] = []

    @abstractmethod
    def replacement(self, layer: nn.Linear) -> nn.Module:
        """The layer that computes in its stead, with its parameters."""

    def takes(self, layer: nn.Linear) -> bool:
        """Whether a layer of these sizes can be replaced."""
        return True

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Replace the linear layers; warns (``no-linear-layers``) where there is none to replace."""
        if self._eligible("", module):
            return self.replacement(copy.copy(module))  # type: ignore[arg-type]
        found = [
            (parent, name, child)
            for path, parent in module.named_modules()
            for name, child in parent.named_children()
            if self._eligible(f"{path}.{name}" if path else name, child)
        ]
        if not found and not self._replaced:
            warn(
                "no-linear-layers",
                f"precision={self.precision!r} finds no linear layer in the module to replace.",
            )
        for parent, name, child in found:
            made = self.replacement(copy.copy(child))
            setattr(parent, name, made)
            self._replaced.append((parent, name, child, made))
        return module

    def teardown(self) -> None:
        """Put the layers back, with the parameters that they have now."""
        for parent, name, layer, made in self._replaced:
            layer.weight, layer.bias = made.weight, made.bias
            layer.train(made.training)
            setattr(parent, name, layer)
        self._replaced = []

    def _eligible(self, path: str, module: nn.Module) -> bool:
        inside = any(path == one or path.startswith(f"{one}.") for one in self.ignore_modules)
        return type(module) is nn.Linear and not inside and self.takes(module)


def divisible(layer: nn.Linear, by: int = 16) -> bool:
    """Whether the sizes of a layer are what the matrix units of the hardware need."""
    return layer.in_features % by == 0 and layer.out_features % by == 0


def _paths(given: Any) -> frozenset[str]:
    if given is None:
        return frozenset()
    if isinstance(given, str) or not all(isinstance(one, str) for one in given):
        raise ArgumentTypeError.about("ignore_modules", given, "None or a set of paths such as {'lm_head'}")
    return frozenset(given)
