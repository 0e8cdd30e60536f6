"""Masks of pruned parameters, in modules and in state dicts."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils import prune

Parameters = list[tuple[nn.Module, str]]


def is_pruned(module: nn.Module, name: str) -> bool:
    """Whether a parameter is pruned, and not permanently."""
    return f"{name}_orig" in module._parameters and f"{name}_mask" in module._buffers


def named(module: nn.Module, parameters: Parameters) -> dict[str, tuple[nn.Module, str]]:
    """Parameters by the names that they have when they are not pruned."""
    prefixes = {id(one): prefix for prefix, one in module.named_modules()}
    return {".".join(filter(None, (prefixes[id(one)], name))): (one, name) for one, name in parameters}


def permanent(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """A state dict with the masks applied; the masks; the parameters under them."""
    found, masks, originals = dict(state), {}, {}
    for key in list(state):
        name = key.removesuffix("_orig")
        if name != key and f"{name}_mask" in state:
            originals[name], masks[name] = found.pop(key), found.pop(f"{name}_mask")
            found[name] = masks[name].to(originals[name].dtype) * originals[name]
    return found, masks, originals


def apply(module: nn.Module, name: str, mask: Tensor, original: Tensor) -> None:
    """Prune a parameter with a mask, and give it the values that it has under it."""
    parameter = getattr(module, f"{name}_orig" if is_pruned(module, name) else name)
    parameter.data.copy_(original)
    prune.custom_from_mask(module, name, mask.to(parameter.device))


def zeros(module: nn.Module, name: str) -> tuple[int, int]:
    """How many elements of a parameter are pruned, and how many there are."""
    mask = getattr(module, f"{name}_mask", None)
    if mask is None:
        return 0, getattr(module, name).numel()
    return int((mask == 0).sum()), mask.numel()
