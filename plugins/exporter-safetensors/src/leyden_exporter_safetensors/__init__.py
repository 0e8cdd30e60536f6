"""Writes the weights of modules as safetensors."""

from __future__ import annotations

from leyden_exporter_safetensors.exporter import SafetensorsExporter

__all__ = ["SafetensorsExporter"]
