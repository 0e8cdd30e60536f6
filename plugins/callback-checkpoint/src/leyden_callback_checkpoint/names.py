"""File names: templates of metrics."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from leyden.errors import ConfigurationError

ALLOWED = "a template such as '{epoch}-{val_loss:.2f}', of a file in dirpath"


@dataclass(frozen=True)
class Part:
    """Text, and the metric that follows it.

    Attributes:
        text: what stands there literally.
        metric: the metric's name; ``None`` at the end of the template.
        spec: the format specification.
    """

    text: str
    metric: str | None
    spec: str


@dataclass(frozen=True)
class Template:
    """A file name with metrics in braces.

    Attributes:
        text: as written.
        parts: taken apart.
    """

    text: str
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Take a template apart.

        Raises:
            leyden.errors.ConfigurationError: braces, a metric's name or a format specification are wrong, or the
                name leads out of its folder.
        """
        try:
            found = [(one[0], one[1], one[2] or "", one[3]) for one in Formatter().parse(text)]
        except ValueError as error:
            raise _wrong(text, f"{str(error).capitalize()}.") from None
        for _, metric, spec, conversion in found:
            _check(text, metric, spec, conversion)
        if os.path.isabs(text) or ".." in text.replace("\\", "/").split("/") or "\0" in text:
            raise _wrong(text, "Put the folder into dirpath.")
        return cls(text, tuple(Part(literal, metric, spec) for literal, metric, spec, _ in found))

    def render(self, metrics: Mapping[str, Any], equals: str | None) -> str:
        """Fill in the metrics; a missing one counts as 0.

        Args:
            metrics: numbers and scalar tensors by name.
            equals: what stands between a metric's name and its value; ``None`` leaves the name out.

        Raises:
            leyden.errors.ConfigurationError: a value cannot be written as the template wants it.
        """
        pieces = []
        for part in self.parts:
            pieces.append(part.text)
            if part.metric is not None:
                name = "" if equals is None else f"{part.metric}{equals}"
                pieces.append(name + self._value(metrics.get(part.metric, 0), part))
        return "".join(pieces)

    def pattern(self, equals: str | None) -> str:
        """What names made from the template look like, as a regular expression."""
        pieces = []
        for part in self.parts:
            pieces.append(re.escape(part.text))
            if part.metric is not None:
                pieces.append(re.escape("" if equals is None else f"{part.metric}{equals}") + ".+?")
        return "".join(pieces)

    def _value(self, value: Any, part: Part) -> str:
        number = value.item() if hasattr(value, "item") else value
        try:
            return format(number, part.spec)
        except (ValueError, TypeError) as error:
            raise _wrong(self.text, f"{part.metric} is {number!r}: {error}.") from None


def _check(text: str, metric: str | None, spec: str, conversion: str | None) -> None:
    if metric is None:
        return
    if not metric or metric.isdigit():
        raise _wrong(text, "Braces hold the name of a metric.")
    if conversion or "{" in spec:
        raise _wrong(text, f"After {metric!r} only a colon and a format specification may stand.")
    problems = [_problem(number, spec) for number in (0, 0.0)]
    if all(problems):
        raise _wrong(text, f"{spec!r} is no format specification for a number: {problems[1]}.")


def _problem(number: float, spec: str) -> str:
    try:
        format(number, spec)
    except ValueError as error:
        return str(error)
    return ""


def _wrong(text: str, remedy: str) -> ConfigurationError:
    return ConfigurationError.about("filename", text, ALLOWED, remedy)
