"""How the arguments of a hook are written down: short, and the same in every package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tests.oracle.data import WIDTH, identify

# A package of its own may put one key of its own into a checkpoint.
OWN_CHECKPOINT_KEYS = {"leyden"}
# Events hold no computed numbers, for they are compared exactly; these arguments also go into the numbers.
MEASURED = {"loss", "outputs", "metrics", "metric", "gradient_clip_val"}


def describe_argument(name: str, value: Any) -> str:
    """Write one argument of a hook down; weights by shape alone, as their content is computed."""
    if name == "state_dict" and all(isinstance(inner, Tensor) for inner in value.values()):
        return f"{name}={{{', '.join(f'{key}={shape_of(value[key])}' for key in sorted(value))}}}"
    return f"{name}={describe(value)}"


def describe(value: Any) -> str:
    """Write ``value`` down by type, shape and, where it is stable, content."""
    if isinstance(value, str):
        return repr(str.__str__(value))
    if isinstance(value, float):
        return "~"
    if value is None or isinstance(value, int | torch.device):
        return str(value)
    if isinstance(value, Tensor):
        return _describe_tensor(value)
    if isinstance(value, Mapping):
        return _describe_mapping(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(describe, value))}]"
    return _describe_object(value)


def _describe_tensor(value: Tensor) -> str:
    if value.ndim == 2 and value.shape[1] == WIDTH and value.is_floating_point():
        return "#" + ",".join(map(str, identify(value)))
    return shape_of(value)


def shape_of(value: Tensor) -> str:
    """Dtype and shape, as in ``f32[2,4]``."""
    kind = str(value.dtype).removeprefix("torch.").replace("float", "f").replace("int", "i")
    return f"{kind}[{','.join(map(str, value.shape))}]"


def _describe_mapping(value: Mapping[Any, Any]) -> str:
    if "state_dict" in value and "epoch" in value:
        return "checkpoint{" + ", ".join(sorted(set(map(str, value)) - OWN_CHECKPOINT_KEYS)) + "}"
    return "{" + ", ".join(f"{key}={describe(value[key])}" for key in sorted(value, key=str)) + "}"


def _describe_object(value: Any) -> str:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}({', '.join(map(describe, value.args))})"
    if isinstance(value, LRScheduler | nn.Module):
        return type(value).__name__
    inner = getattr(value, "optimizer", value)
    if isinstance(inner, Optimizer):
        return type(inner).__name__
    return "<closure>" if callable(value) else type(value).__name__


def measure(value: Any) -> Any:
    """The numbers in ``value`` as plain floats; ``None`` where there are none."""
    if isinstance(value, Mapping):
        return {str(key): measure(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, Tensor):
        return round(value.item(), 6) if value.numel() == 1 else None
    return round(float(value), 6) if isinstance(value, int | float) else None


def mode_of(module: nn.Module) -> str:
    """Whether ``module`` trains and whether gradients are being recorded."""
    grad = "grad" if torch.is_grad_enabled() else "no_grad"
    grad = "inference" if torch.is_inference_mode_enabled() else grad
    return f"{'train' if module.training else 'eval'}, {grad}"
