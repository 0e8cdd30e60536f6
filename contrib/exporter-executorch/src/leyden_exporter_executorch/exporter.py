"""``.pte`` files for ExecuTorch, verified with its runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils import _pytree

from leyden.errors import ConfigurationError
from leyden.interfaces import Inputs, VerifiedExporter
from leyden_exporter_executorch.quiet import quiet

BACKENDS = ("xnnpack", "portable")


class ExecuTorchExporter(VerifiedExporter):
    """Writes a module's ``forward`` as a ``.pte`` file and compares what ExecuTorch's Python runtime computes with it.

    Options beside those of :class:`leyden.interfaces.VerifiedExporter`:

    * ``backend``: ``"xnnpack"`` (default) hands what it can to XNNPACK; ``"portable"`` keeps ExecuTorch's own kernels;
    * ``max_batch``: the largest batch, for which memory is planned; 64 or twice the sample's, whichever is larger.

    Source: https://docs.pytorch.org/executorch/stable/
    """

    format: ClassVar[str] = "executorch"
    suffix: ClassVar[str] = ".pte"
    option_names: ClassVar[tuple[str, ...]] = ("backend", "max_batch")
    packages: ClassVar[tuple[str, ...]] = ("torch", "executorch")

    def check(self, options: dict[str, Any]) -> None:
        backend, largest = options.get("backend", "xnnpack"), options.get("max_batch", 2)
        if backend not in BACKENDS:
            raise ConfigurationError.about("backend", backend, "'xnnpack' or 'portable'")
        if type(largest) is not int or largest < 2:
            raise ConfigurationError.about("max_batch", largest, "an int of at least 2")

    def write(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> Any:
        with quiet():
            from executorch.exir import to_edge_transform_and_lower

        assert inputs is not None  # needs_sample
        shapes = None
        if self.is_dynamic(path, options):
            inputs = inputs.resized(max(2, inputs.batch_size or 2))  # torch takes a size of 1 for a constant
            largest = options.get("max_batch", max(64, 2 * (inputs.batch_size or 1)))
            shapes = inputs.shapes(model, torch.export.Dim("batch", min=1, max=largest))
        program = torch.export.export(model, inputs.args, inputs.kwargs or None, dynamic_shapes=shapes)
        with quiet():
            lowered = to_edge_transform_and_lower(program, partitioner=_partitioner(options))
            made = lowered.to_executorch()
        path.write_bytes(made.buffer)
        return made

    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        with quiet():
            from executorch.runtime import Runtime

            method = Runtime.get().load_program(path).load_method("forward")

        def run(batch: Inputs) -> Any:
            leaves = _pytree.tree_leaves((batch.args, batch.kwargs), is_leaf=lambda one: one is None)
            with quiet():
                found = method.execute(leaves)
            # The runtime's outputs live in memory that the next call overwrites.
            return [one.clone() if isinstance(one, Tensor) else one for one in found]

        return run


def _partitioner(options: dict[str, Any]) -> list[Any]:
    if options.get("backend", "xnnpack") == "portable":
        return []
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner

    return [XnnpackPartitioner()]
