"""``TransformerEnginePrecision``: linear and normalisation layers of Transformer Engine, computing in FP8."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from importlib import import_module
from typing import Any, Self

import torch
from torch import Tensor, nn

from leyden.api.transfer import map_nested
from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Precision
from leyden_precision_full.precision import default_dtype

DTYPES = {"transformer-engine": torch.bfloat16, "transformer-engine-float16": torch.float16}
INSTALL = (
    "pip install 'leyden-precision-transformer-engine[engine]' on a machine with an NVIDIA GPU, its CUDA toolkit and "
    "cuDNN"
)


class TransformerEnginePrecision(Precision):
    """Parameters and inputs in bfloat16 or float16, products of Transformer Engine's layers in FP8.

    What a step returns stays in the dtype of weights.

    Args:
        weights_dtype: of parameters and inputs, a floating-point dtype.
        recipe: how tensors are scaled: a ``DelayedScaling`` of Transformer Engine or its arguments as a dictionary, in
            which ``fp8_format`` is the name of a ``Format``; ``None`` takes its defaults.
        replace_layers: put the engine's layers in the place of ``Linear`` and ``LayerNorm``, which they do not
            subclass. ``None`` does so unless the module has some of the engine's already, and ``False`` never.
        fallback_compute_dtype: in which operations compute that have no FP8; ``weights_dtype`` by default.

    Raises:
        leyden.errors.ConfigurationError: Transformer Engine is not installed, or an argument is not possible.
    """

    def __init__(
        self,
        *,
        weights_dtype: torch.dtype,
        recipe: Mapping[str, Any] | Any = None,
        replace_layers: bool | None = None,
        fallback_compute_dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            "transformer-engine-float16" if weights_dtype is torch.float16 else "transformer-engine"
        )
        self.weights_dtype = _floating("weights_dtype", weights_dtype)
        given = weights_dtype if fallback_compute_dtype is None else fallback_compute_dtype
        self.fallback_compute_dtype = _floating("fallback_compute_dtype", given)
        if replace_layers not in (None, True, False):
            raise ArgumentTypeError.about("replace_layers", replace_layers, "None, True or False")
        self.replace_layers = replace_layers
        self.recipe = _recipe(recipe)

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build it for a device.

        Raises:
            leyden.errors.ConfigurationError: Transformer Engine is not installed, or the device is no CUDA device.
        """
        made = cls(weights_dtype=DTYPES[name])
        if device.type != "cuda":
            remedy = (
                "Transformer Engine computes on NVIDIA GPUs alone: use accelerator='cuda', or 'bf16-true'."
            )
            raise ConfigurationError.about("precision", name, f"another one on {device}", remedy)
        return made

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Put the engine's layers in, unless that was done by hand, and convert to the dtype of weights."""
        if self.replace_layers is not False and not _has_engine_layers(module):
            replace_in(module, _engine("transformer_engine.pytorch"))
        return module.to(dtype=self.weights_dtype)

    def convert_input(self, data: Any) -> Any:
        """Convert the floating-point tensors of a batch to the dtype of weights."""
        return map_nested(data, _is_floating, lambda one: one.to(self.weights_dtype))

    def forward_context(self) -> AbstractContextManager[Any]:
        """FP8 where the engine has it, within an autocast for everything else."""
        stack = ExitStack()
        stack.enter_context(default_dtype(self.weights_dtype))
        stack.enter_context(torch.autocast("cuda", dtype=self.fallback_compute_dtype))
        engine = _engine("transformer_engine.pytorch")
        # The name of it changed with Transformer Engine 2.7; both are called alike.
        if hasattr(engine, "autocast"):
            stack.enter_context(engine.autocast(enabled=True, recipe=self.recipe))
        else:
            stack.enter_context(engine.fp8_autocast(enabled=True, fp8_recipe=self.recipe))
        return stack

    def init_context(self) -> AbstractContextManager[Any]:
        """Parameters are created in the dtype of weights."""
        return default_dtype(self.weights_dtype)


def replace_in(module: nn.Module, engine: Any, path: str = "") -> None:
    """Put the engine's layers in the place of a module's ``Linear`` and ``LayerNorm``, with their parameters.

    Layers whose sizes FP8 does not allow stay, with a warning (``fp8-sizes``).
    """
    for name, child in module.named_children():
        here = f"{path}.{name}" if path else name
        if isinstance(child, nn.Linear):
            if child.in_features % 8 or child.out_features % 16:
                warn(
                    "fp8-sizes",
                    f"The layer {here!r} ({child.in_features} to {child.out_features}) stays as it is: FP8 needs "
                    "inputs divisible by 8 and outputs divisible by 16.",
                )
                continue
            made = engine.Linear(child.in_features, child.out_features, bias=child.bias is not None)
        elif isinstance(child, nn.LayerNorm) and len(child.normalized_shape) == 1 and child.bias is not None:
            made = engine.LayerNorm(child.normalized_shape[0], eps=child.eps)
        else:
            replace_in(child, engine, here)
            continue
        with torch.no_grad():
            made.weight.copy_(child.weight)
            if child.bias is not None:
                made.bias.copy_(child.bias)
        setattr(module, name, made.to(child.weight.device))


def _has_engine_layers(module: nn.Module) -> bool:
    return any(type(one).__module__.startswith("transformer_engine.pytorch") for one in module.modules())


def _engine(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f"precision='transformer-engine' needs NVIDIA's Transformer Engine, which cannot be imported ({error}). "
            f"Install it with: {INSTALL}"
        ) from error


def _recipe(given: Any) -> Any:
    recipes = _engine("transformer_engine.common.recipe")
    if given is not None and not isinstance(given, Mapping):
        return given
    arguments = dict(given or {})
    if isinstance(arguments.get("fp8_format"), str):
        name = arguments["fp8_format"]
        if not hasattr(recipes.Format, name):
            raise ConfigurationError.about("fp8_format", name, "the name of a Format, e.g. 'HYBRID'")
        arguments["fp8_format"] = getattr(recipes.Format, name)
    try:
        return recipes.DelayedScaling(**arguments)
    except TypeError as error:
        raise ConfigurationError.about("recipe", given, "arguments of DelayedScaling", str(error)) from error


def _floating(name: str, given: Any) -> torch.dtype:
    if not isinstance(given, torch.dtype) or not given.is_floating_point:
        raise ArgumentTypeError.about(name, given, "a floating-point dtype, e.g. torch.bfloat16")
    return given


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()
