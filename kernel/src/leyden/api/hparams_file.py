"""``hparams.yaml``: hyper-parameters as a file that loads without running code. Needs PyYAML."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import inspect
import math
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence, Set
from pathlib import Path, PurePath
from typing import Any

from leyden.plugins.errors import ConfigurationError

FILE_NAME = "hparams.yaml"
LARGEST = 64
"""Arrays and tensors of more elements than this are described instead of written out."""

_SCALARS = (bool, int, float, str)
_WHOLE = (bytes, bytearray, memoryview, range)


def write_hparams(path: str | os.PathLike[str], params: Mapping[str, Any] | Namespace) -> None:
    """Write hyper-parameters as YAML, replacing the file in one step.

    Args:
        path: the file; its folder exists.
        params: the hyper-parameters; :func:`plain` says what becomes of values that YAML does not know.
    """
    import yaml

    data = plain(vars(params) if isinstance(params, Namespace) else dict(params))
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=False)
    _replace(Path(path), text.encode("utf-8"))


def read_hparams(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read hyper-parameters; a file with Python tags is refused.

    Raises:
        leyden.errors.ConfigurationError: the file is missing, is no YAML mapping, or would have to run code.
    """
    import yaml

    allowed = "a YAML file with a mapping of plain values"
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        remedy = f"Reading it failed with {type(error).__name__}: {error}"
        raise ConfigurationError.about("hparams_file", os.fspath(path), allowed, remedy) from error
    if not isinstance(data, dict | None):
        remedy = f"It holds a {type(data).__name__}."
        raise ConfigurationError.about("hparams_file", os.fspath(path), allowed, remedy)
    return data or {}


def plain(value: Any) -> Any:
    """A value as YAML's own types: numbers, texts, lists and mappings.

    Tuples and sets become lists, dataclasses and namespaces mappings, enum members their names, paths and
    dates texts, small tensors and arrays numbers. Functions and classes become their dotted names, everything
    else its ``repr``.
    """
    return _plain(value, ())


def _plain(value: Any, outer: tuple[int, ...]) -> Any:
    if value is None or type(value) in _SCALARS:
        return _printable(value)
    if isinstance(value, enum.Enum):
        return value.name
    for kind in _SCALARS:
        if isinstance(value, kind):
            return _printable(kind(value))
    if id(value) in outer:
        return "<contains itself>"
    return _container(value, (*outer, id(value)))


def _container(value: Any, outer: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(one, outer) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, _WHOLE):
        return [_plain(one, outer) for one in value]
    if isinstance(value, Set):
        return [_plain(one, outer) for one in sorted(value, key=repr)]
    if isinstance(value, Namespace):
        return _container(vars(value), outer)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), outer) for field in dataclasses.fields(value)}
    if callable(getattr(value, "tolist", None)) and hasattr(value, "shape"):
        return _array(value, outer)
    return _printable(_text(value))


def _array(value: Any, outer: tuple[int, ...]) -> Any:
    if math.prod(value.shape) <= LARGEST:
        try:
            return _plain(value.tolist(), outer)
        except (NotImplementedError, RuntimeError):  # a tensor without data, e.g. on the meta device
            return _described(value)
    return _described(value)


def _described(value: Any) -> str:
    return f"{type(value).__name__} of shape {tuple(value.shape)} and type {value.dtype}"


def _text(value: Any) -> str:
    if isinstance(value, PurePath | datetime.date | datetime.time | datetime.timedelta):
        return str(value)
    if inspect.isroutine(value) or inspect.isclass(value):
        return _dotted(value)
    # The default repr holds an address, which would make equal runs differ.
    nameless = getattr(type(value), "__repr__") is object.__repr__  # noqa: B009
    return f"{_dotted(type(value))} object" if nameless else repr(value)


def _dotted(value: Any) -> str:
    name = getattr(value, "__qualname__", None) or repr(value)
    module = getattr(value, "__module__", None)
    return f"{module}.{name}" if module else name


def _key(key: Any) -> Any:
    scalar = _plain(key, ())
    return scalar if scalar is None or type(scalar) in _SCALARS else repr(key)


def _printable(value: Any) -> Any:
    # A lone surrogate, as undecodable file names have it, cannot be written as UTF-8.
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
