"""Parameters that several submodules share."""

from __future__ import annotations

from typing import Any

from torch import nn


def find_shared_parameters(module: nn.Module) -> list[list[str]]:
    """The dotted names of parameters that are the same object, one list for each such object."""
    names: dict[int, list[str]] = {}
    for prefix, one in module.named_modules(remove_duplicate=False):
        for name, parameter in one._parameters.items():
            if parameter is not None:
                dotted = f"{prefix}.{name}" if prefix else name
                names.setdefault(id(parameter), []).append(dotted)
    return [found for found in names.values() if len(found) > 1]


def set_shared_parameters(module: nn.Module, shared_params: list[list[str]]) -> nn.Module:
    """Make each list of names the same parameter again: the one that stands first."""
    for first, *others in shared_params:
        parameter = _at(module, first)
        for name in others:
            owner, _, short = name.rpartition(".")
            setattr(_at(module, owner) if owner else module, short, parameter)
    return module


def _at(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module
