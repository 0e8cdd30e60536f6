"""Weights as safetensors, verified bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Inputs, VerifiedExporter
from leyden.plugins.errors import listed


class SafetensorsExporter(VerifiedExporter):
    """Writes a module's ``state_dict`` as a safetensors file, which holds tensors and text and cannot run code.

    The file is read again and every tensor is compared, bit for bit. Tensors that share memory (tied weights) are
    written once for each name, so that the file fits ``load_state_dict(strict=True)``.

    Options: ``metadata``, a dict of text for the file's header (``format: pt`` is added); no sample is needed.

    Source: https://github.com/huggingface/safetensors
    """

    format: ClassVar[str] = "safetensors"
    suffix: ClassVar[str] = ".safetensors"
    needs_sample: ClassVar[bool] = False
    option_names: ClassVar[tuple[str, ...]] = ("metadata",)
    packages: ClassVar[tuple[str, ...]] = ("torch", "safetensors")

    def check(self, options: dict[str, Any]) -> None:
        metadata = options.get("metadata")
        if metadata is None:
            return
        pairs = metadata.items() if isinstance(metadata, dict) else [(metadata, None)]
        if not all(isinstance(key, str) and isinstance(value, str) for key, value in pairs):
            raise ArgumentTypeError.about("metadata", metadata, "a dict of text, or None")

    def write(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> None:
        from safetensors.torch import save_file

        state = model.state_dict()
        others = [name for name, one in state.items() if not isinstance(one, Tensor)]
        if others:
            raise ConfigurationError(
                f"The state of {type(model).__name__} holds what is no tensor, and safetensors holds nothing else: "
                f"{listed(others)}. Leave get_extra_state out, or export in another format."
            )
        tensors = {name: one.detach().cpu().contiguous().clone() for name, one in state.items()}
        save_file(tensors, path, {"format": "pt", **(options.get("metadata") or {})})

    def verify(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> dict[str, Any]:
        from safetensors.torch import load_file

        found, wanted = load_file(path), model.state_dict()
        differing = {*found} ^ {*wanted} | {
            name for name in {*found} & {*wanted} if not _same(found[name], wanted[name].detach().cpu())
        }
        if differing:
            raise self.mismatch(f"of {type(model).__name__} has other weights: {listed(differing)}.")
        return {"checked": "weights", "tensors": len(found)}

    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        """A copy of the module with the file's weights."""
        from copy import deepcopy

        from safetensors.torch import load_file

        copy = deepcopy(model)
        copy.load_state_dict(load_file(path))
        return lambda batch: batch(copy)


def _same(one: Tensor, other: Tensor) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    flat = [part.contiguous().reshape(-1).view(torch.uint8) for part in (one, other)]
    return bool(torch.equal(*flat))
