"""Precisions in which parameters, data and computation have one number format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from leyden.api.transfer import map_nested
from leyden.errors import ConfigurationError
from leyden.interfaces import Precision

# These of nn.Module leave complex tensors alone, as `to` does not, and modules override them to be left out.
METHODS = {torch.float64: "double", torch.float16: "half", torch.bfloat16: "bfloat16"}


class FullPrecision(Precision):
    """``32-true``: nothing is converted; modules and data keep the format they were made in.

    Args:
        precision: ``"32-true"`` or its short form ``"32"``.
    """

    names: ClassVar[tuple[str, ...]] = ("32-true", "32")

    def __init__(self, precision: str = "32-true") -> None:
        super().__init__(_long_form(precision, self.names))


class UniformPrecision(Precision):
    """Converts parameters, buffers and batches to one floating-point format, in which steps then compute.

    What a step returns stays in the format. Integers, booleans and complex numbers are left alone.

    Attributes:
        dtypes: format by name; the first name is the default.
    """

    dtypes: ClassVar[dict[str, torch.dtype]]

    def __init__(self, precision: str | None = None) -> None:
        names = tuple(self.dtypes)
        super().__init__(_long_form(names[0] if precision is None else precision, names))
        self.dtype = self.dtypes[self.precision]

    def convert_module(self, module: nn.Module) -> nn.Module:
        """Convert floating-point parameters and buffers in place."""
        converted: nn.Module = getattr(module, METHODS[self.dtype])()
        return converted

    def convert_input(self, data: Any) -> Any:
        """Convert floating-point tensors in nested mappings, sequences, named tuples and dataclasses."""
        return map_nested(data, self._other, lambda tensor: tensor.to(self.dtype))

    def forward_context(self) -> AbstractContextManager[None]:
        """Tensors that a step creates without a dtype have the format."""
        return default_dtype(self.dtype)

    def init_context(self) -> AbstractContextManager[None]:
        """Parameters are created in the format."""
        return default_dtype(self.dtype)

    def _other(self, value: Any) -> bool:
        return isinstance(value, Tensor) and value.is_floating_point() and value.dtype != self.dtype


class DoublePrecision(UniformPrecision):
    """``64-true``: float64.

    Args:
        precision: ``"64-true"`` or its short form ``"64"``.
    """

    dtypes: ClassVar[dict[str, torch.dtype]] = {"64-true": torch.float64, "64": torch.float64}

    @classmethod
    def from_name(cls, name: str, device: torch.device) -> Self:
        """Build it for a device.

        Raises:
            leyden.errors.ConfigurationError: the device has no float64.
        """
        if getattr(device, "type", None) == "mps":
            remedy = "MPS has no float64: use another precision, or accelerator='cpu'."
            raise ConfigurationError.about("precision", name, "another one on this device", remedy)
        return cls(name)


class HalfPrecision(UniformPrecision):
    """``16-true`` or ``bf16-true``: parameters and optimizer states in half the memory, without loss scaling.

    Args:
        precision: ``"16-true"`` (float16) or ``"bf16-true"`` (bfloat16).
    """

    dtypes: ClassVar[dict[str, torch.dtype]] = {"16-true": torch.float16, "bf16-true": torch.bfloat16}


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make a dtype torch's default, and the former one again afterwards."""
    former = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(former)


def _long_form(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise ConfigurationError.about("precision", name, ", ".join(repr(one) for one in names))
    return name if name.endswith("-true") else f"{name}-true"
