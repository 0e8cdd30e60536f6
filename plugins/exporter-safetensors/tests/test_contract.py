from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from safetensors.torch import load_file

from leyden.testing import ExporterContract, TinyModule


class TestSafetensorsExporter(ExporterContract):
    entry_point = "safetensors"
    suffix = ".safetensors"

    def reload(self, path: str) -> Callable[[torch.Tensor], Any]:
        module = TinyModule()
        module.load_state_dict(load_file(path))
        return lambda x: module(x).detach()
