"""Running an ONNX file with onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor


def runner(path: Path, names: list[str], model: Any) -> Callable[[list[Tensor]], list[Any]]:
    """Make a function from input tensors to the file's outputs, NumPy arrays.

    Args:
        path: the file.
        names: the names of the first inputs; further ones follow in the file's order.
        model: the module, whose weights are fed where the file does not hold them (``export_params=False``).
    """
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    wanted = [one.name for one in session.get_inputs()]
    weights = {**dict(model.named_parameters()), **dict(model.named_buffers())}

    def run(tensors: list[Tensor]) -> list[Any]:
        named = dict(zip(names, tensors, strict=False))
        further = iter(tensors[len(names) :])
        feeds = {
            name: named[name] if name in named else weights[name] if name in weights else next(further)
            for name in wanted
        }
        found: list[Any] = session.run(
            None, {name: one.detach().cpu().numpy() for name, one in feeds.items()}
        )
        return found

    return run
