"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.exporter import Exporter as Exporter
from leyden_exporter_onnx import ONNXExporter as ONNXExporter
from leyden_exporter_safetensors import SafetensorsExporter as SafetensorsExporter
from leyden_exporter_torch_export import TorchExportExporter as TorchExportExporter
from leyden_exporter_torchscript import TorchScriptExporter as TorchScriptExporter

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
