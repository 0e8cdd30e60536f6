"""Exporters: handing a module to something that is not Leyden."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar


@dataclass(frozen=True)
class Exported:
    """What an export made.

    Attributes:
        paths: the files, the main one first; none when it was kept in memory.
        program: the format's own object where it has one, e.g. a ``torch.onnx.ONNXProgram`` or a ``ScriptModule``.
        max_error: the greatest absolute difference from the module's outputs that was found; ``None`` when the weights
            were compared instead.
    """

    paths: tuple[str, ...]
    program: Any = None
    max_error: float | None = None


class Exporter(ABC):
    """Writes a module in one format and verifies what it wrote.

    :class:`leyden.interfaces.VerifiedExporter` does everything but the writing and the reading back.

    Attributes:
        format: what users write, e.g. ``"onnx"``.
        suffix: the usual end of the file's name, e.g. ``".onnx"``.
        needs_sample: whether there is nothing to export without a sample.
    """

    format: ClassVar[str]
    suffix: ClassVar[str] = ""
    needs_sample: ClassVar[bool] = True

    @abstractmethod
    def export(
        self, model: Any, path: str | PathLike[str], sample: Any = None, **options: Any
    ) -> tuple[str, ...]:
        """Write the module and return the paths written.

        Args:
            model: the module, whose mode, device and random state are the same afterwards.
            path: the main file.
            sample: an input of the module's ``forward``: a tensor, a tuple or list of its arguments, or a dict of its
                keyword arguments; ``None`` takes ``model.example_input_array``.
            options: the format's own.

        Raises:
            leyden.errors.ConfigurationError: an option is unknown or the sample is missing.
            leyden.errors.ExportMismatchError: what was written is not the module; nothing stays under ``path``.
        """

    def convert(self, model: Any, path: Any, sample: Any = None, **options: Any) -> Exported:
        """As :meth:`export`, with the format's own object; formats that can keep it in memory take other paths, too."""
        return Exported(self.export(model, path, sample, **options))
