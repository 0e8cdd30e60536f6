"""Hyper-parameters: what a class was constructed with."""

from __future__ import annotations

import copy
import inspect
from argparse import Namespace
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from types import FrameType
from typing import Any

from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, did_you_mean, listed, shown

CLASS_PATH, INSTANTIATOR = "_class_path", "_instantiator"
_GIVEN: ContextVar[tuple[type, dict[str, Any]] | None] = ContextVar("given_hyperparameters", default=None)


@contextmanager
def given_hyperparameters(cls: type, values: Mapping[str, Any], instantiator: str) -> Iterator[None]:
    """While an object of a class is made, its ``save_hyperparameters`` keeps these instead of what ``__init__`` gets.

    Args:
        cls: the class; objects of other classes keep their own arguments.
        values: plain data that describe the arguments.
        instantiator: what makes an object of them again, kept beside them as ``_instantiator``.
    """
    token = _GIVEN.set((cls, {**values, INSTANTIATOR: instantiator}))
    try:
        yield
    finally:
        _GIVEN.reset(token)


class AttributeDict(dict[str, Any]):
    """A dict whose items are attributes as well."""

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(
                f"There is no hyper-parameter {key!r}; there are {listed(self)}. {did_you_mean(key, self)}".rstrip()
            ) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __delattr__(self, key: str) -> None:
        try:
            del self[key]
        except KeyError:
            raise AttributeError(f"There is no hyper-parameter {key!r}.") from None

    def __repr__(self) -> str:
        width = max(map(len, self), default=0) + 2
        rows = [f"{f'{key!r}:':<{width + 1}} {value}" for key, value in sorted(self.items())]
        return "\n".join(rows)


class HyperparametersMixin:
    """Gives a class ``save_hyperparameters``, ``hparams`` and ``hparams_initial``."""

    @property
    def hparams(self) -> AttributeDict:
        """The hyper-parameters saved so far; changes are kept.

        A mapping of another kind than a dict that was saved by itself, e.g. OmegaConf's, stays what it is.
        """
        own = self.__dict__
        if "_hparams" not in own:
            own["_hparams"] = AttributeDict()
        found: AttributeDict = own["_hparams"]
        return found

    @hparams.setter
    def hparams(self, values: Any) -> None:
        """Keep a mapping, a Namespace or a dataclass instead of what was saved so far."""
        if not isinstance(values, Mapping | Namespace) and not is_dataclass(values):
            raise ArgumentTypeError.about("self.hparams", values, "a dict, Namespace or dataclass")
        self.__dict__["_hparams"] = AttributeDict()
        self.__dict__.update(_hparams_name="hparams", _log_hyperparams=True)
        kept: Any = values if _keeps_its_kind(values) else _mapping(values)
        self._take(kept)

    @property
    def hparams_initial(self) -> AttributeDict:
        """The hyper-parameters as they were when they were saved."""
        initial: AttributeDict = self.__dict__.get("_hparams_initial", AttributeDict())
        return copy.deepcopy(initial) if _keeps_its_kind(initial) else AttributeDict(_deepcopied(initial))

    def save_hyperparameters(
        self,
        *args: Any,
        ignore: Collection[str] | str | None = None,
        frame: FrameType | None = None,
        logger: bool = True,
    ) -> None:
        """Keep the arguments of ``__init__`` in ``hparams``, hence in checkpoints and loggers.

        Args:
            args: names of arguments to keep; all when empty. One dict, Namespace or dataclass instead of names is
                kept as it is.
            ignore: names to leave out.
            frame: the frame of ``__init__``; the caller's by default.
            logger: whether the loggers get them too.

        Raises:
            leyden.errors.ConfigurationError: a name is no argument of ``__init__``, or the object is no mapping.
        """
        if not isinstance(logger, bool):
            raise ArgumentTypeError.about("save_hyperparameters(logger)", logger, "True or False")
        if ignore is not None and not isinstance(ignore, Collection):
            raise ArgumentTypeError.about(
                "save_hyperparameters(ignore)", ignore, "a name, or a list of names"
            )
        self.__dict__["_log_hyperparams"] = logger
        left_out = {ignore} if isinstance(ignore, str) else set(ignore or ())
        current = frame if frame is not None else _caller()
        given = _dataclass_arguments(self) if is_dataclass(self) else _init_arguments(self, current)
        told = _GIVEN.get()
        if told is not None and type(self) is told[0]:
            given = {**given, **told[1]} if args else dict(told[1])
        kept, name = _select(given, args, left_out)
        self.__dict__["_hparams_name"] = name
        self._take(kept)

    def remove_ignored_hparams(self, ignore_list: Collection[str]) -> None:
        """Forget hyper-parameters by name, e.g. those that a base class saved."""
        for key in ignore_list:
            self.hparams.pop(key, None)

    def _take(self, values: Mapping[str, Any]) -> None:
        if _keeps_its_kind(values):
            self.__dict__.update(_hparams=values, _hparams_initial=copy.deepcopy(values))
            return
        self.hparams.update(values)
        self.__dict__["_hparams_initial"] = AttributeDict(_deepcopied(self.hparams))


def _keeps_its_kind(values: Any) -> bool:
    return isinstance(values, MutableMapping) and not isinstance(values, dict)


def _caller() -> FrameType:
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None and frame.f_back.f_back is not None
    return frame.f_back.f_back


def _deepcopied(values: Mapping[str, Any]) -> dict[str, Any]:
    copies = {}
    for key, value in values.items():
        try:
            copies[key] = copy.deepcopy(value)
        except (
            Exception
        ):  # an object that cannot be copied is kept as it is: it is the user's value all the same
            copies[key] = value
    return copies


def _dataclass_fields(obj: Any) -> dict[str, Any]:
    return {field.name: getattr(obj, field.name) for field in fields(obj)}


def _dataclass_arguments(obj: Any) -> dict[str, Any]:
    return {field.name: getattr(obj, field.name) for field in fields(obj) if field.init}


def _init_arguments(obj: Any, frame: FrameType) -> dict[str, Any]:
    """The arguments of every ``__init__`` of the object's classes that is running, the outermost class winning."""
    found: list[dict[str, Any]] = []
    current: FrameType | None = frame
    while current is not None and current.f_code.co_name == "__init__":
        owner = current.f_locals.get("__class__", type(obj))
        first = next(iter(current.f_code.co_varnames[:1]), None)
        if first is None or current.f_locals.get(first) is not obj:
            break
        found.append(_arguments(current, owner))
        current = current.f_back
    merged: dict[str, Any] = {}
    for one in found:
        merged.update(one)
    return merged


def _arguments(frame: FrameType, owner: type) -> dict[str, Any]:
    signature = inspect.signature(owner.__init__)  # type: ignore[misc]
    values: dict[str, Any] = {}
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            values.update(frame.f_locals.get(parameter.name, {}))
        elif parameter.kind is not parameter.VAR_POSITIONAL and parameter.name in frame.f_locals:
            values[parameter.name] = frame.f_locals[parameter.name]
    return values


def _select(
    given: dict[str, Any], args: tuple[Any, ...], ignore: set[str]
) -> tuple[dict[str, Any], str | None]:
    given = {key: value for key, value in given.items() if key not in ignore}
    if not args:
        return given, "kwargs"
    if len(args) == 1 and not isinstance(args[0], str):
        kept = args[0] if _keeps_its_kind(args[0]) else _mapping(args[0])
        return kept, next((key for key, value in given.items() if value is args[0]), None)
    wrong = [one for one in args if not isinstance(one, str)]
    if wrong:
        raise ArgumentTypeError.about(
            "save_hyperparameters(*args)", wrong[0], "names of arguments, or one mapping alone"
        )
    unknown = [one for one in args if one not in given and one not in ignore]
    if unknown:
        raise ConfigurationError(
            f"save_hyperparameters({unknown[0]!r}): __init__ has no such argument; it has {listed(given)}. "
            + did_you_mean(unknown[0], given)
        )
    return {one: given[one] for one in args if one in given}, "kwargs"


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, Namespace):
        return dict(vars(value))
    if isinstance(value, Mapping):
        return {str(key): one for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _dataclass_fields(value)
    raise ArgumentTypeError(
        f"save_hyperparameters({shown(value)}) is not possible: allowed are names of arguments, or one dict, "
        "Namespace or dataclass."
    )


class HyperparameterClashError(ConfigurationError, RuntimeError):
    """The module and the data module disagree about a hyper-parameter."""


def merged_hyper_parameters(*owners: Any) -> dict[str, Any] | None:
    """The hyper-parameters to log of several objects together; ``None`` when none of them wants any logged.

    Raises:
        leyden.errors.ConfigurationError: two have the same one with different values.
    """
    merged: dict[str, Any] | None = None
    for owner in owners:
        if owner is None or not getattr(owner, "_log_hyperparams", False):
            continue
        own = {k: v for k, v in owner.hparams_initial.items() if k not in (CLASS_PATH, INSTANTIATOR)}
        clash = [key for key in own if merged and key in merged and _differ(merged[key], own[key])]
        if clash:
            raise HyperparameterClashError(
                f"The module and the data module both have the hyper-parameter {clash[0]!r}, with different values. "
                "Rename one, or leave it out with save_hyperparameters(ignore=…)."
            )
        merged = {**(merged or {}), **own}
    return merged


def _differ(one: Any, other: Any) -> bool:
    try:
        return bool(one != other)
    except (TypeError, ValueError, RuntimeError):
        return one is not other
