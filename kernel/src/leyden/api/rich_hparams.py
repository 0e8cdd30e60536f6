"""Hyper-parameters that are objects, as plain data plus the path of their class; made again only of known classes."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import pathlib
import typing
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from leyden.api.saved_hparams import is_plain, plain_value

CLASS, ARGUMENTS = "class_path", "init_args"
KEY = "leyden_hyper_parameters"
_BY_TEXT = (decimal.Decimal, fractions.Fraction)
_KNOWN = (Namespace, datetime.timedelta, datetime.datetime, datetime.date, datetime.time, *_BY_TEXT)


def described(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that plain data alone do not hold, described by class path and arguments.

    Enum members, paths, dataclasses, named tuples, namespaces, times, decimals, NumPy arrays, classes and functions,
    and modules that saved hyper-parameters of their own, also within lists, tuples and dicts. Others are left out.
    """
    found = {}
    for key, value in values.items():
        if not is_plain(value):
            try:
                found[key] = _described(value)
            except TypeError:
                continue
    return found


def _described(value: Any) -> Any:
    if is_plain(value) and not isinstance(value, list | tuple | set | dict):
        return value
    if isinstance(value, enum.Enum):
        return {CLASS: _path(type(value)), "member": value.name}
    if isinstance(value, pathlib.PurePath):
        return {CLASS: "pathlib.Path", ARGUMENTS: [str(value)]}
    if inspect.isclass(value) or inspect.isfunction(value) or inspect.isbuiltin(value):
        if "<" in value.__qualname__:
            raise TypeError(value.__qualname__)
        return {"object": _path(value)}
    if type(value).__module__ == "numpy":
        return {CLASS: "numpy.ndarray", "tensor": torch.as_tensor(value)}
    arguments = _arguments(value)
    if arguments is not None:
        return {CLASS: _path(type(value)), ARGUMENTS: _described(arguments)}
    if isinstance(value, Mapping):
        return {plain_value(key): _described(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        kind = type(value) if type(value) in (list, tuple, set) else list
        return kind(_described(one) for one in value)
    return plain_value(value)


def _arguments(value: Any) -> dict[str, Any] | list[Any] | None:
    """What makes an object again; ``None`` when that is not known."""
    if dataclasses.is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
    if isinstance(value, Namespace):
        return dict(vars(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if isinstance(value, datetime.timedelta):
        return [value.days, value.seconds, value.microseconds]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return [value.isoformat()]
    if isinstance(value, _BY_TEXT):
        return [str(value)]
    if isinstance(value, torch.nn.Module) and getattr(value, "hparams", None):
        return dict(typing.cast(Any, value).hparams)
    return None


def _path(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


class Rebuilding:
    """Makes described values again, of classes that the program itself names: nothing is imported by a file's word.

    Known are the classes in the annotations and defaults of the constructor that is called (and of dataclasses among
    them), those of ``torch.serialization.add_safe_globals``, and a few of Python's own.

    Args:
        cls: the class that is constructed.

    Attributes:
        unknown: class paths that were met and are not known, by hyper-parameter.
    """

    def __init__(self, cls: Any) -> None:
        self.unknown: dict[str, str] = {}
        self._known: dict[str, Any] = {_path(one): one for one in _KNOWN}
        for one in torch.serialization.get_safe_globals():
            self._known.update({one[1]: one[0]} if isinstance(one, tuple) else {_path(one): one})
        self._learn(cls)

    def _learn(self, cls: Any) -> None:
        for one in _named_in(cls):
            if hasattr(one, "__qualname__") and _path(one) not in self._known:
                self._known[_path(one)] = one
                if dataclasses.is_dataclass(one):
                    self._learn(one)

    def rebuilt(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values that could be made."""
        made = {}
        for key, value in values.items():
            try:
                made[key] = self._made(value)
            except _UnknownError as error:
                self.unknown[key] = str(error)
        return made

    def _made(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "object" in value and len(value) == 1:
                return self._find(value["object"])
            if CLASS in value and len(value) == 2:
                return self._object(value)
            return {key: self._made(one) for key, one in value.items()}
        if isinstance(value, list | tuple | set):
            return type(value)(self._made(one) for one in value)
        return value

    def _object(self, value: dict[str, Any]) -> Any:
        if "tensor" in value and value[CLASS] == "numpy.ndarray":
            return value["tensor"].numpy()
        if value[CLASS] == "pathlib.Path":
            return pathlib.Path(*value[ARGUMENTS])
        kind = self._find(value[CLASS])
        if "member" in value:
            return kind[value["member"]]
        arguments = self._made(value[ARGUMENTS])
        if isinstance(arguments, dict):
            return kind(**arguments)
        make: Callable[..., Any] = getattr(kind, "fromisoformat", kind)
        return make(*arguments)

    def _find(self, path: str) -> Any:
        if path not in self._known:
            raise _UnknownError(path)
        return self._known[path]


class _UnknownError(Exception):
    """A class path that the program does not name."""


def _named_in(cls: Any) -> Iterator[Any]:
    """The classes and functions in the annotations and defaults of a constructor."""
    try:
        hints = typing.get_type_hints(cls.__init__)
    except (NameError, TypeError, AttributeError):  # an annotation that cannot be evaluated names nothing
        hints = {}
    for hint in hints.values():
        yield from _classes(hint)
    for parameter in inspect.signature(cls.__init__).parameters.values():
        default = parameter.default
        if default is not parameter.empty and default is not None:
            yield default if inspect.isclass(default) or inspect.isroutine(default) else type(default)


def _classes(hint: Any) -> Iterator[Any]:
    if inspect.isclass(hint) and not typing.get_args(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from _classes(inner)
