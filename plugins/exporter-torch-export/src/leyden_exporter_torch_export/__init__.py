"""Exports modules as ``.pt2`` files with torch.export."""

from __future__ import annotations

from leyden_exporter_torch_export.exporter import TorchExportExporter

__all__ = ["TorchExportExporter"]
