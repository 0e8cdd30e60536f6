"""Exports modules for ExecuTorch; importing this does not import executorch."""

from __future__ import annotations

from leyden_exporter_executorch.exporter import ExecuTorchExporter

__all__ = ["ExecuTorchExporter"]
