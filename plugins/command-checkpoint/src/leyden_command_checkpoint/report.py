"""The description of a checkpoint as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def report(found: dict[str, Any]) -> str:
    """Lines of name and value."""
    lines = list(_lines(found))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in lines)


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{int(count)} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if value is None or value == [] or value == {}:
            continue
        if name == "bytes":
            yield "size", size(value)
        elif name in ("parameters", "optimizers"):
            yield name, f"{value['elements']:,} in {value['tensors']} tensors ({', '.join(value['types'])})"
        elif name == "sections":
            held = {key: size(count) for key, count in value.items() if count}
            yield name, ", ".join(f"{key} {text}" for key, text in held.items())
            yield "other keys", ", ".join(key for key, count in value.items() if not count)
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", _text(one)) for key, one in value.items())
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return (
            " ".join(str(one) for one in value) if all(isinstance(one, str) for one in value) else str(value)
        )
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return str(value)
