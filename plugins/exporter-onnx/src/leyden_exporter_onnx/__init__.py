"""Exports modules to ONNX; importing this imports neither onnx nor onnxruntime."""

from __future__ import annotations

from leyden_exporter_onnx.exporter import ONNXExporter

__all__ = ["ONNXExporter"]
