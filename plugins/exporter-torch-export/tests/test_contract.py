from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from leyden.testing import ExporterContract


class TestTorchExportExporter(ExporterContract):
    entry_point = "torch-export"
    suffix = ".pt2"

    def reload(self, path: str) -> Callable[[torch.Tensor], Any]:
        return torch.export.load(path).module()
