"""The accumulators of torchmetrics objects, which their own ``state_dict`` leaves out unless they are persistent."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def metric_paths(module: nn.Module) -> dict[int, str]:
    """The path of every metric object in a module, by its id."""
    return {id(one): path for path, one in module.named_modules() if _is_metric(one)}


def metric_states(module: nn.Module) -> dict[str, dict[str, Any]]:
    """What the metric objects of a module have accumulated, by their paths: plain data and tensors."""
    states = {}
    for path, one in module.named_modules():
        if _is_metric(one):
            values = {name: _copied(getattr(one, name)) for name in one._defaults}
            states[path] = {"values": values, "updates": int(one._update_count), "last": one._forward_cache}
    return states


def load_metric_states(module: nn.Module, states: dict[str, dict[str, Any]]) -> None:
    """Give the metric objects their accumulators back."""
    metrics: dict[str, Any] = {path: one for path, one in module.named_modules() if _is_metric(one)}
    for path, state in states.items():
        if path in metrics:
            one = metrics[path]
            for name, value in state["values"].items():
                setattr(one, name, _copied(value))
            one._update_count, one._forward_cache, one._computed = state["updates"], state["last"], None


def _is_metric(module: Any) -> bool:
    return (
        hasattr(module, "_defaults")
        and hasattr(module, "_update_count")
        and hasattr(module, "_forward_cache")
    )


def _copied(value: Any) -> Any:
    return (
        [one.clone() for one in value]
        if isinstance(value, list)
        else value.clone()
        if isinstance(value, Tensor)
        else value
    )
