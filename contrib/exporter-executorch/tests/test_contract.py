from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.testing import ExporterContract


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # executorch's own imports
class TestExecuTorchExporter(ExporterContract):
    entry_point = "executorch"
    suffix = ".pte"

    def reload(self, path: str) -> Callable[[torch.Tensor], Any]:
        from executorch.runtime import Runtime

        method = Runtime.get().load_program(Path(path)).load_method("forward")
        return lambda x: method.execute([x])[0].clone()
