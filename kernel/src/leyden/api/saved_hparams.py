"""Hyper-parameters as a checkpoint holds them: plain data that loads without running code."""

from __future__ import annotations

import enum
import pathlib
import pickle
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from leyden.api.warn import warn

_PLAIN = (
    type(None),
    bool,
    int,
    float,
    str,
    bytes,
    complex,
    torch.Tensor,
    torch.Size,
    torch.dtype,
    torch.device,
)


keep_objects = False
"""Whether hyper-parameters that are no plain data are saved as they are; reading such a file needs weights_only=False.

For programs that read their own files that way; ``leyden_lightning.install()`` sets it.
"""


def is_plain(value: Any) -> bool:
    """Whether a value is data that a safe load gives back as it is."""
    if type(value) in (list, tuple, set):
        return all(is_plain(one) for one in value)
    if type(value) is dict:
        return all(is_plain(key) and is_plain(one) for key, one in value.items())
    return type(value) in _PLAIN


def plain(values: dict[str, Any], elsewhere: Collection[str] = ()) -> dict[str, Any]:
    """The values that plain data can hold; the others are left out.

    Enum members and paths are kept by name and text. Anything else that is no plain data (modules, functions) cannot be
    rebuilt without running code from the file; its key is named in a warning, and must be given again on load.

    Args:
        values: the hyper-parameters.
        elsewhere: those that the file describes in another way (:mod:`leyden.api.rich_hparams`); no warning names them.
    """
    kept, dropped = {}, []
    for key, value in values.items():
        if stays_object(value):
            kept[key] = value
            continue
        try:
            kept[key] = plain_value(value)
        except TypeError:
            if key not in elsewhere:
                dropped.append(f"{key} ({type(value).__name__})")
    if dropped:
        warn(
            "hparams-dropped",
            f"These hyper-parameters are no plain data and are not saved: {', '.join(sorted(dropped))}. Leave them out "
            "with save_hyperparameters(ignore=[…]) and pass them to load_from_checkpoint.",
        )
    return kept


def stays_object(value: Any) -> bool:
    """Whether a value is saved as the object that it is, because plain data cannot hold it and that is wanted."""
    if not keep_objects:
        return False
    if isinstance(value, Mapping | Sequence) and not isinstance(value, dict | list | tuple | str | bytes):
        return _picklable(value)
    try:
        plain_value(value)
    except TypeError:
        return _picklable(value)
    return False


def _picklable(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # whatever a stranger's __reduce__ raises
        return False
    return True


def plain_value(value: Any) -> Any:
    """One value as plain data.

    Raises:
        TypeError: it cannot be.
    """
    if type(value) in _PLAIN or isinstance(value, torch.Tensor):
        return value
    if isinstance(value, enum.Enum):
        return plain_value(value.value)
    if isinstance(value, str | int | float | bool):
        return next(kind(value) for kind in (str, bool, int, float) if isinstance(value, kind))
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    if isinstance(value, Mapping):
        return {plain_value(key): plain_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        kind = type(value) if type(value) in (list, tuple, set) else list
        return kind(plain_value(one) for one in value)
    raise TypeError(type(value).__name__)
