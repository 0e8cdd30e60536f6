"""``torch.export`` programs, written and verified."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from leyden.errors import ConfigurationError, LeydenError
from leyden.interfaces import Exporter
from leyden.utilities import isolate_rng


class ExportMismatchError(LeydenError, RuntimeError):
    """The file's outputs are not the module's."""


class TorchExportExporter(Exporter):
    """Writes a module's ``forward`` as a ``.pt2`` file (torch.export's ``ExportedProgram``).

    The file is loaded again and its outputs are compared with the module's, on the sample and, with a dynamic batch,
    on a batch of another size. The greatest absolute difference is written beside it, as ``<path>.json``.
    """

    format: ClassVar[str] = "torch-export"

    def export(
        self, model: Any, path: str | os.PathLike[str], sample: Any = None, **options: Any
    ) -> tuple[str, ...]:
        """Write the module; see :class:`leyden.interfaces.Exporter`.

        Args:
            model: the module.
            path: the file; ``.pt2`` is added where it is missing.
            sample: a tensor, or a tuple of the arguments of ``forward``; first dimensions are the batch.
            options: ``dynamic_batch`` (default ``True``): whether the program takes batches of any size;
                ``tolerance`` (default ``1e-5``): the greatest absolute difference that passes.

        Raises:
            leyden.errors.ConfigurationError: an option is unknown, or there is no sample.
            ExportMismatchError: the file's outputs differ from the module's; the file is removed.
        """
        dynamic, tolerance = _options(options)
        arguments = _arguments(model, sample)
        target = str(path) if str(path).endswith(".pt2") else f"{path}.pt2"
        with _evaluating(model):
            _write(model, arguments, target, dynamic)
            error = _verified(model, arguments, target, dynamic, tolerance)
        report = f"{target}.json"
        with open(report, "w", encoding="utf-8") as file:
            json.dump({"format": self.format, "max_error": error, "tolerance": tolerance}, file)
        return target, report


def _options(given: dict[str, Any]) -> tuple[bool, float]:
    known = ("dynamic_batch", "tolerance")
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError.about(f"export option {name!r}", value, f"one of {', '.join(known)}")
    dynamic, tolerance = given.get("dynamic_batch", True), given.get("tolerance", 1e-5)
    if not isinstance(dynamic, bool):
        raise ConfigurationError.about("dynamic_batch", dynamic, "True or False")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise ConfigurationError.about("tolerance", tolerance, "a number of at least 0")
    return dynamic, float(tolerance)


def _arguments(model: Any, sample: Any) -> tuple[Any, ...]:
    sample = getattr(model, "example_input_array", None) if sample is None else sample
    if sample is None:
        raise ConfigurationError(
            f"Exporting {type(model).__name__} needs a sample: pass one, or set example_input_array in the module."
        )
    arguments = sample if isinstance(sample, tuple) else (sample,)
    device = next(model.parameters()).device if any(True for _ in model.parameters()) else None
    return tuple(one.to(device) if hasattr(one, "to") and device is not None else one for one in arguments)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; modes, random state and the tie to a Trainer are as before afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with isolate_rng(), torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _write(model: nn.Module, arguments: tuple[Any, ...], target: str, dynamic: bool) -> None:
    shapes = (
        tuple({0: torch.export.Dim.AUTO} if _batched(one) else None for one in arguments) if dynamic else None
    )
    sample = tuple(_resized(one, 2) for one in arguments) if dynamic else arguments
    program = torch.export.export(_Forward(model), sample, dynamic_shapes=(shapes,) if shapes else None)
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    part = f"{target.removesuffix('.pt2')}.part.pt2"  # torch warns about other endings
    torch.export.save(program, part)
    os.replace(part, target)


class _Forward(nn.Module):
    """A module's ``forward`` alone: torch.export walks attributes, and a LightningModule's lead to its Trainer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.inner = model

    def forward(self, *arguments: Any) -> Any:
        return self.inner(*arguments)


def _verified(
    model: nn.Module, arguments: tuple[Any, ...], target: str, dynamic: bool, tolerance: float
) -> float:
    program = torch.export.load(target).module()
    batches = [arguments, *([tuple(_resized(one, 3) for one in arguments)] if dynamic else [])]
    error = max(_difference(model(*one), program(*one)) for one in batches)
    if not error <= tolerance:
        os.unlink(target)
        raise ExportMismatchError(
            f"{target}: the exported program differs from {type(model).__name__} by {error:.3g}, more than "
            f"tolerance={tolerance:g}; the file was removed."
        )
    return error


def _difference(wanted: Any, found: Any) -> float:
    pairs = zip(_pytree.tree_leaves(wanted), _pytree.tree_leaves(found), strict=True)
    return max((_distance(one, other) for one, other in pairs if hasattr(one, "shape")), default=0.0)


def _distance(one: Tensor, other: Tensor) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float((one.double() - other.double()).abs().max()) if one.numel() else 0.0


def _batched(value: Any) -> bool:
    return hasattr(value, "ndim") and value.ndim > 0


def _resized(value: Any, size: int) -> Any:
    """A batch of another size, of the same samples in turn."""
    if not _batched(value):
        return value
    repeats = -(-size // value.shape[0])
    return value.repeat(repeats, *([1] * (value.ndim - 1)))[:size]
