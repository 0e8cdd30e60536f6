"""``Trainer(export=…)``: which formats the best model is exported to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option
from leyden.plugins.components import find

Formats = dict[str, dict[str, Any]]
ALLOWED = "the name of an exporter, several in a list, a dict of names to options (or to a path), or None"


class Export(Option):
    """``export``: formats into which the best model is exported when a fit ends well."""

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = str | list[str] | tuple[str, ...] | dict[str, Any] | None
    doc: ClassVar[str] = (
        "export the best model at the end of a fit: 'onnx', or {'onnx': {'path': …, 'sample': …}}"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> Formats | None:
        if value is None:
            return None
        formats = _formats(value)
        if not formats:
            raise ConfigurationError.about("export", value, ALLOWED)
        for name in formats:
            find("exporters", name)  # says what to install
        return formats

    def apply(self, value: Formats | None, trainer: Any) -> None:
        if value is not None:
            from leyden_option_export.listener import ExportAtEnd

            trainer.add_listener(ExportAtEnd(value))


def _formats(value: Any) -> Formats:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, Sequence):
        value = dict.fromkeys(value)
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise ArgumentTypeError.about("export", value, ALLOWED)
    return {name: _options(options, value) for name, options in value.items()}


def _options(options: Any, value: Any) -> dict[str, Any]:
    if options is None:
        return {}
    if isinstance(options, str | os.PathLike):
        return {"path": os.fspath(options)}
    if isinstance(options, Mapping) and all(isinstance(one, str) for one in options):
        return dict(options)
    raise ArgumentTypeError.about("export", value, ALLOWED)
