"""Exporters: handing a module to something that is not Leyden."""

from __future__ import annotations

from abc import ABC, abstractmethod
from os import PathLike
from typing import Any, ClassVar


class Exporter(ABC):
    """Writes a module in one format and verifies what it wrote.

    Attributes:
        format: what users write, e.g. ``"onnx"``.
    """

    format: ClassVar[str]

    @abstractmethod
    def export(
        self, model: Any, path: str | PathLike[str], sample: Any = None, **options: Any
    ) -> tuple[str, ...]:
        """Write the module and return the paths written.

        Args:
            model: the module, whose mode, device and random state are the same afterwards.
            path: the main file.
            sample: an input of the module's ``forward``; ``None`` takes ``model.example_input_array``.
            options: the format's own.

        Raises:
            leyden.errors.ConfigurationError: an option is unknown or the sample is missing.
            leyden.errors.LeydenError: the file's outputs differ from the module's.
        """
