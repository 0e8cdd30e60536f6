"""Hyper-parameters, and attributes that may stand in the module, its ``hparams`` or its data module."""

from __future__ import annotations

import inspect
import pickle
from argparse import Namespace
from collections.abc import MutableMapping, Sequence
from types import FrameType
from typing import Any

from leyden.api.hparams import AttributeDict, HyperparametersMixin
from leyden.plugins.errors import LeydenError
from leyden_lightning.utilities.rank_zero import rank_zero_warn

__all__ = [
    "AttributeDict",
    "clean_namespace",
    "collect_init_args",
    "get_init_args",
    "is_picklable",
    "lightning_getattr",
    "lightning_hasattr",
    "lightning_setattr",
    "parse_class_init_keys",
    "save_hyperparameters",
]


def is_picklable(obj: object) -> bool:
    """Whether an object can be pickled."""
    try:
        pickle.dumps(obj)
    except (pickle.PicklingError, AttributeError, RuntimeError, TypeError):
        return False
    return True


def clean_namespace(hparams: MutableMapping[str, Any] | Namespace) -> None:
    """Remove what cannot be pickled, with a warning for each."""
    values = vars(hparams) if isinstance(hparams, Namespace) else hparams
    for key in [one for one, value in values.items() if not is_picklable(value)]:
        rank_zero_warn(f"attribute {key!r} removed from hparams because it cannot be pickled")
        del values[key]


def parse_class_init_keys(cls: type) -> tuple[str, str | None, str | None]:
    """The names of a constructor's first parameter, of its ``*args`` and of its ``**kwargs``."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())  # type: ignore[misc]
    args = next((one.name for one in parameters if one.kind is one.VAR_POSITIONAL), None)
    kwargs = next((one.name for one in parameters if one.kind is one.VAR_KEYWORD), None)
    return parameters[0].name, args, kwargs


def get_init_args(frame: FrameType) -> dict[str, Any]:
    """The arguments of the ``__init__`` that a frame runs; empty where it runs none."""
    return _get_init_args(frame)[1]


def _get_init_args(frame: FrameType) -> tuple[Any | None, dict[str, Any]]:
    local = inspect.getargvalues(frame).locals
    if "__class__" not in local or frame.f_code.co_name != "__init__":
        return None, {}
    cls = local["__class__"]
    own, args, kwargs = parse_class_init_keys(cls)
    names = set(inspect.signature(cls.__init__).parameters) - {own, args, kwargs}
    found = {name: local[name] for name in names if name in local}
    if kwargs:
        found.update(local.get(kwargs, {}))
    return local[own], found


def collect_init_args(
    frame: FrameType, path_args: list[dict[str, Any]], inside: bool = False, classes: tuple[type, ...] = ()
) -> list[dict[str, Any]]:
    """The arguments of every ``__init__`` that is running, the innermost first.

    Args:
        frame: where to begin.
        path_args: what was found so far.
        inside: whether an ``__init__`` was found already.
        classes: only of objects of these classes.
    """
    local = inspect.getargvalues(frame).locals
    own, found = (None, {}) if "__class__" not in local else _get_init_args(frame)
    matching = own is not None and (not classes or isinstance(own, classes))
    outer = frame.f_back
    if matching:
        path_args.append(found)
    if outer is None or (inside and not matching):
        return path_args
    return collect_init_args(outer, path_args, inside or matching, classes)


def save_hyperparameters(
    obj: Any,
    *args: Any,
    ignore: Sequence[str] | str | None = None,
    frame: FrameType | None = None,
    given_hparams: dict[str, Any] | None = None,
) -> None:
    """As ``obj.save_hyperparameters``, for the caller's ``__init__``.

    Args:
        obj: a module or data module.
        args: names of arguments, or one mapping.
        ignore: names to leave out.
        frame: the frame of ``__init__``.
        given_hparams: arguments to use instead of those in the frame.
    """
    if given_hparams is not None and not args:
        left_out = {ignore} if isinstance(ignore, str) else set(ignore or ())
        args = ({key: one for key, one in given_hparams.items() if key not in left_out},)
    if frame is None:
        current = inspect.currentframe()
        frame = current.f_back if current is not None else None
    HyperparametersMixin.save_hyperparameters(obj, *args, ignore=ignore, frame=frame)


def _holders(model: Any, attribute: str) -> list[Any]:
    found = [model] if hasattr(model, attribute) else []
    if hasattr(model, "hparams") and attribute in model.hparams:
        found.append(model.hparams)
    trainer = getattr(model, "_trainer", None)
    data = getattr(trainer, "datamodule", None)
    if data is not None:
        found += [data] if hasattr(data, attribute) else []
        found += [data.hparams] if attribute in getattr(data, "hparams", ()) else []
    return found


def lightning_hasattr(model: Any, attribute: str) -> bool:
    """Whether the module, its hyper-parameters, or its data module have an attribute."""
    return bool(_holders(model, attribute))


def lightning_getattr(model: Any, attribute: str) -> Any:
    """The attribute, from the last of these that has it.

    Raises:
        AttributeError: none has it.
    """
    found = _holders(model, attribute)
    if not found:
        raise _Missing(f"{attribute!r} is neither in the module, nor in its hparams, nor in its data module.")
    holder = found[-1]
    return holder[attribute] if isinstance(holder, dict) else getattr(holder, attribute)


def lightning_setattr(model: Any, attribute: str, value: Any) -> None:
    """Set the attribute on all of these that have it.

    Raises:
        AttributeError: none has it.
    """
    found = _holders(model, attribute)
    if not found:
        raise _Missing(f"{attribute!r} is neither in the module, nor in its hparams, nor in its data module.")
    for holder in found:
        if isinstance(holder, dict):
            holder[attribute] = value
        else:
            setattr(holder, attribute, value)


class _Missing(LeydenError, AttributeError):
    """No holder of the attribute."""
