from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnxruntime
import torch

from leyden.testing import ExporterContract


class TestONNXExporter(ExporterContract):
    entry_point = "onnx"
    suffix = ".onnx"

    def reload(self, path: str) -> Callable[[torch.Tensor], Any]:
        session = onnxruntime.InferenceSession(path)
        (first,) = session.get_inputs()
        return lambda x: session.run(None, {first.name: x.numpy()})[0]
