from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from leyden.testing import ExporterContract


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestTorchScriptExporter(ExporterContract):
    entry_point = "torchscript"
    suffix = ".pt"

    def reload(self, path: str) -> Callable[[torch.Tensor], Any]:
        return torch.jit.load(path)
