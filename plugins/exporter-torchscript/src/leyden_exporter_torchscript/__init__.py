"""Exports modules to TorchScript."""

from __future__ import annotations

from leyden_exporter_torchscript.exporter import TorchScriptExporter

__all__ = ["TorchScriptExporter"]
