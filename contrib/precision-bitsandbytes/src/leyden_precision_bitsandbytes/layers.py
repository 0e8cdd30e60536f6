"""Layers of bitsandbytes that load and save as torch's do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from leyden.errors import ConfigurationError

MODES = ("nf4", "nf4-dq", "fp4", "fp4-dq", "int8", "int8-training")
THRESHOLD = 6.0
"""Inputs beyond it are multiplied in float16 (LLM.int8(), Dettmers et al. 2022)."""
STEPS = 127.0
"""Steps of int8 on either side of zero."""


def engine() -> Any:
    """The package bitsandbytes.

    Raises:
        leyden.errors.ConfigurationError: it cannot be imported.
    """
    try:
        import bitsandbytes
    except ImportError as error:
        raise ConfigurationError(
            f"BitsandbytesPrecision needs bitsandbytes, which cannot be imported ({error}). "
            "Install it with: pip install bitsandbytes"
        ) from error
    return bitsandbytes


def is_replaced(module: nn.Module) -> bool:
    """Whether a layer is one of bitsandbytes."""
    layers = engine().nn
    return isinstance(module, layers.Linear4bit | layers.Linear8bitLt)


def quantized(layer: nn.Linear, mode: str, dtype: torch.dtype) -> nn.Module:
    """The layer of bitsandbytes with the weights of a layer, which are quantized when it is moved to its device."""
    layers, sizes = engine().nn, (layer.in_features, layer.out_features, layer.bias is not None)
    made: nn.Module
    if mode == "int8-training":
        made = layers.Linear8bitLt(*sizes, has_fp16_weights=True)
        made.weight = layers.Int8Params(layer.weight.data, requires_grad=True, has_fp16_weights=True)
    else:
        if mode == "int8":
            made = layers.Linear8bitLt(*sizes, has_fp16_weights=False, threshold=THRESHOLD)
        else:
            kind, _, twice = mode.partition("-")
            made = layers.Linear4bit(
                *sizes, compute_dtype=dtype, quant_type=kind, compress_statistics=bool(twice)
            )
        _fill(made, layer.weight.data)
        made.register_state_dict_post_hook(_save_plain)
        made.register_load_state_dict_pre_hook(_load_plain)
    made.bias = layer.bias
    return made.train(layer.training)


def weights(layer: Any) -> Tensor:
    """The weights of a layer as ordinary numbers, float32 where they were quantized."""
    weight = layer.weight
    if getattr(weight, "quant_state", None) is not None:
        plain: Tensor = engine().functional.dequantize_4bit(weight.data, weight.quant_state)
        return plain.float()
    scale = getattr(weight, "SCB", None)
    if scale is None and hasattr(layer, "state"):
        scale = layer.state.SCB
    if scale is None:
        return weight.data  # type: ignore[no-any-return]
    rows: Tensor = weight.data.float() * scale.float().unsqueeze(1) / STEPS
    return rows


def _fill(layer: Any, data: Tensor) -> None:
    """Give a layer weights that are still to be quantized."""
    layers = engine().nn
    if isinstance(layer, layers.Linear4bit):
        old = layer.weight
        options = {
            "quant_type": old.quant_type,
            "compress_statistics": old.compress_statistics,
            "module": layer,
        }
        layer.weight = layers.Params4bit(data, requires_grad=False, **options)
    else:
        layer.weight = layers.Int8Params(data, requires_grad=False, has_fp16_weights=False)
        layer.state.CB = layer.state.SCB = None


def _save_plain(layer: Any, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    """Of a layer's state, leave weights and bias as the plain layer would have them."""
    for name in list(state):
        if name.startswith(f"{prefix}weight.") or name in (f"{prefix}SCB", f"{prefix}weight_format"):
            del state[name]
    state[f"{prefix}weight"] = weights(layer)


def _load_plain(layer: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Quantize the weights that are loaded, where the layer's are already."""
    given, here = state.get(f"{prefix}weight"), layer.weight
    if (
        given is None
        or here.is_floating_point()
        or tuple(given.shape) != (layer.out_features, layer.in_features)
    ):
        return
    device = here.device
    _fill(layer, given.detach().cpu())
    layer.weight = layer.weight.to(device)
    state[f"{prefix}weight"] = layer.weight.data
