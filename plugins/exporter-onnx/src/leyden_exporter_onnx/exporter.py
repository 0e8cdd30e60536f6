"""ONNX files by torch's two engines, verified with onnxruntime."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from leyden.errors import ConfigurationError
from leyden.interfaces import Exported, Inputs, VerifiedExporter
from leyden.interfaces.export_checks import hushed, numbers
from leyden_exporter_onnx.running import runner

ONE_FILE = 1_500_000_000
"""Bytes of weights up to which one file holds everything; protobuf ends at 2 GB."""

_TORCHS = tuple(
    name for name in signature(torch.onnx.export).parameters if name not in ("model", "args", "f")
)


class ONNXExporter(VerifiedExporter):
    """Writes a module's ``forward`` as an ONNX file, and compares what onnxruntime computes with it.

    Options beside those of :class:`leyden.interfaces.VerifiedExporter` are the keywords of ``torch.onnx.export``. What
    is particular about them:

    * ``dynamo``: the engine, ``True`` (default) for torch.export, ``False`` for TorchScript;
    * ``external_data``: ``True`` writes the weights as ``<path>.data``, with either engine; ``False`` writes one file;
      by default one file, and two from 1.5 GB on;
    * ``dynamic_shapes``, ``dynamic_axes``: which dimensions vary, instead of the batch alone;
    * ``input_names``: by default the names of ``forward``'s parameters;
    * ``kwargs``: keyword arguments of ``forward`` beside the sample's;
    * ``training``: ``EVAL`` alone, because random outputs cannot be verified.

    Source: https://docs.pytorch.org/docs/stable/onnx.html
    """

    format: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    option_names: ClassVar[tuple[str, ...]] = _TORCHS
    packages: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxruntime")
    in_memory: ClassVar[bool] = True

    def convert(self, model: Any, path: Any, sample: Any = None, **options: Any) -> Exported:
        if not isinstance(path, str | os.PathLike):
            options["external_data"] = False  # there is nothing beside which data could stand
        return super().convert(model, path, sample, **options)

    def check(self, options: dict[str, Any]) -> None:
        for name in ("dynamo", "external_data"):
            if not isinstance(options.get(name), bool | None):
                raise ConfigurationError.about(name, options[name], "True, False or None")
        mode = options.get("training", torch.onnx.TrainingMode.EVAL)
        if mode != torch.onnx.TrainingMode.EVAL:
            raise ConfigurationError.about("training", mode, "torch.onnx.TrainingMode.EVAL")

    def is_dynamic(self, path: Path, options: dict[str, Any]) -> bool:
        import onnx

        graph = onnx.load(path, load_external_data=False).graph
        weights = {one.name for one in graph.initializer}
        first = next((one for one in graph.input if one.name not in weights), None)
        dims: Any = first.type.tensor_type.shape.dim if first is not None else ()
        return bool(dims) and not dims[0].HasField("dim_value")

    def write(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> Any:
        assert inputs is not None  # needs_sample
        inputs = _with_keywords(inputs, options)
        _check_formats(model, inputs)
        dynamo = options.get("dynamo") is not False
        given = {key: value for key, value in options.items() if key in _TORCHS and key != "kwargs"}
        given["dynamo"] = dynamo
        given["verbose"] = options.get("verbose", False)
        given["input_names"] = options.get("input_names") or inputs.names(model)
        given["external_data"] = external = _external(model, options)
        vary = _varies(options)
        if vary and dynamo:
            inputs = inputs.resized(max(2, inputs.batch_size or 2))  # torch takes a size of 1 for a constant
            given["dynamic_shapes"] = inputs.shapes(model, torch.export.Dim("batch", min=1))
        elif vary:
            given.update(_axes(model, inputs, given))
        if not dynamo and inputs.kwargs:
            model, inputs = _Positional(model, inputs), Inputs((*inputs.args, *inputs.kwargs.values()))
        args = inputs.args
        if args and isinstance(args[-1], dict) and not inputs.kwargs:
            args = (*args, {})  # torch takes a dict that ends the arguments for keyword arguments
        with _quiet(), _plain_attention(dynamo):
            program = torch.onnx.export(model, args, path, kwargs=inputs.kwargs or None, **given)
        if external and not dynamo:
            _split(path)
        return program

    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        import onnx

        onnx.checker.check_model(str(path))
        names = options.get("input_names") or _with_keywords(inputs, options).names(model)
        run = runner(path, list(names), model)
        return lambda batch: run(_with_keywords(batch, options).leaves)

    def verify(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> dict[str, Any]:
        assert inputs is not None  # needs_sample
        if _varies(options) and inputs.batch_size is not None and not self.is_dynamic(path, options):
            raise self.mismatch(
                f"of {type(model).__name__} takes batches of {inputs.batch_size} alone; pass dynamic_batch=False if "
                "that is meant."
            )
        return super().verify(model, _with_keywords(inputs, options), path, options)


class _Positional(torch.nn.Module):
    """A module whose keyword arguments come last by position: the old engine knows no keyword-only ones."""

    def __init__(self, inner: Any, inputs: Inputs) -> None:
        super().__init__()
        self.inner, self.count, self.names = inner, len(inputs.args), list(inputs.kwargs)

    def forward(self, *args: Any) -> Any:
        return self.inner(*args[: self.count], **dict(zip(self.names, args[self.count :], strict=True)))


def _varies(options: dict[str, Any]) -> bool:
    """Whether the batch varies because nothing else was said."""
    given = options.get("dynamic_axes") or options.get("dynamic_shapes")
    return bool(options.get("dynamic_batch", True) and not given)


def _with_keywords(inputs: Inputs, options: dict[str, Any]) -> Inputs:
    """The inputs with the option ``kwargs``."""
    more = options.get("kwargs") or {}
    return replace(
        inputs, kwargs={**inputs.kwargs, **{k: v for k, v in more.items() if k not in inputs.kwargs}}
    )


def _check_formats(model: Any, inputs: Inputs) -> None:
    tensors: list[Tensor] = [*inputs.leaves, *model.parameters()]
    if any(one.dtype is torch.bfloat16 for one in tensors):
        raise ConfigurationError(
            f"{type(model).__name__} or its sample is in bfloat16, which onnxruntime does not take from NumPy. Export "
            "a copy in float32: copy.deepcopy(model).float()."
        )


def _external(model: Any, options: dict[str, Any]) -> bool:
    given = options.get("external_data")
    if given is not None:
        return bool(given)
    tensors = [one for one in model.state_dict().values() if isinstance(one, Tensor)]
    return sum(one.nbytes for one in tensors) > ONE_FILE


def _axes(model: Any, inputs: Inputs, given: dict[str, Any]) -> dict[str, Any]:
    """``dynamic_axes`` and ``output_names`` with which the batch of inputs and outputs varies."""
    outputs = numbers(inputs(model))
    names = list(given.get("output_names") or ())
    names += [
        f"output_{number}" if len(outputs) > 1 else "output" for number in range(len(names), len(outputs))
    ]
    tensors = [*zip(given["input_names"], inputs.leaves, strict=False), *zip(names, outputs, strict=False)]
    axes = {name: {0: "batch"} for name, value in tensors if inputs.batched(value)}
    return {"dynamic_axes": axes, "output_names": names}


def _split(path: Path) -> None:
    """Move the weights of a file into ``<path>.data``."""
    import onnx

    model = onnx.load(path)
    path.unlink()
    onnx.save_model(model, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)


@contextmanager
def _quiet() -> Iterator[None]:
    """torch logs a warning for each operator of a torchvision that is not installed, and one for each shared axis."""
    with hushed("torch.onnx._internal.exporter._registration"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="# The axis name")
        yield


@contextmanager
def _plain_attention(dynamo: bool) -> Iterator[None]:
    """The old engine has no counterpart for the fused operator of attention in evaluation mode."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(before and dynamo)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
