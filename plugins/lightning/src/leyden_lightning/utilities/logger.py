"""Hyper-parameters and metrics as loggers write them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from statistics import fmean
from typing import Any

from leyden.api.logger import Logger, NoLogger, add_prefix, as_mapping
from leyden.api.rank_zero import rank_zero_only

DummyLogger = NoLogger


def rank_zero_experiment(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Let a logger's ``experiment`` be made on rank zero; the others get an object that does nothing."""
    from functools import wraps

    @wraps(fn)
    def experiment(self: Logger) -> Any:
        found = rank_zero_only(fn, None)(self)
        return found if found is not None else NoLogger().experiment

    return experiment


def merge_dicts(
    dicts: Sequence[Mapping[str, Any]],
    agg_key_funcs: Mapping[str, Callable[[Sequence[float]], float]] | None = None,
    default_func: Callable[[Sequence[float]], float] = fmean,
) -> dict[str, Any]:
    """Merge dicts of numbers, key by key; nested dicts likewise.

    Args:
        dicts: the dicts.
        agg_key_funcs: what makes one number of several, by key.
        default_func: the same for all other keys.
    """
    functions = agg_key_funcs or {}
    merged: dict[str, Any] = {}
    for key in dict.fromkeys(key for one in dicts for key in one):
        values = [one[key] for one in dicts if key in one]
        function = functions.get(key)
        if isinstance(values[0], Mapping):
            inner: Mapping[str, Any] = function if isinstance(function, Mapping) else {}
            merged[key] = merge_dicts(values, inner, default_func)
        else:
            merged[key] = (function or default_func)(values)
    return merged


def _convert_params(params: dict[str, Any] | Namespace | None) -> dict[str, Any]:
    return as_mapping(params)


def _sanitize_callable_params(params: dict[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if not callable(value):
            return value
        try:
            made = value()
        except Exception:  # whatever a stranger's function raises without arguments
            return getattr(value, "__name__", None)
        return getattr(value, "__name__", None) if callable(made) else made

    return {key: plain(value) for key, value in params.items()}


def _flatten_dict(
    params: MutableMapping[Any, Any], delimiter: str = "/", parent_key: str = ""
) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in params.items():
        name = f"{parent_key}{delimiter}{key}" if parent_key else str(key)
        value = vars(value) if isinstance(value, Namespace) else value
        if isinstance(value, MutableMapping):
            flat.update(_flatten_dict(value, delimiter, name))
        else:
            flat[name] = value
    return flat


def _sanitize_params(params: dict[str, Any]) -> dict[str, Any]:
    plain = (bool, int, float, str)
    numbers = {
        key: value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0 else value
        for key, value in params.items()
    }
    return {
        key: value if isinstance(value, plain) or type(value).__name__ == "Tensor" else str(value)
        for key, value in numbers.items()
    }


def _convert_json_serializable(params: dict[str, Any]) -> dict[str, Any]:
    return {key: value if _is_json_serializable(value) else str(value) for key, value in params.items()}


def _is_json_serializable(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, OverflowError, ValueError):
        return False
    return True


def _add_prefix(metrics: Mapping[str, Any], prefix: str, separator: str) -> Mapping[str, Any]:
    return add_prefix(dict(metrics), prefix, separator)


def _version(loggers: list[Any], separator: str = "_") -> int | str:
    if len(loggers) == 1:
        found: int | str = loggers[0].version
        return found
    return separator.join(dict.fromkeys(str(one.version) for one in loggers))


def _scan_checkpoints(checkpoint_callback: Any, logged_model_time: dict[str, float]) -> list[tuple[Any, ...]]:
    """Checkpoints that were not logged yet: time, path, score and tag (``best``, ``latest``, ``best_k``)."""
    import os

    found: dict[str, tuple[Any, str]] = {}
    if getattr(checkpoint_callback, "last_model_path", ""):
        found[checkpoint_callback.last_model_path] = (checkpoint_callback.current_score, "latest")
    if getattr(checkpoint_callback, "best_model_path", ""):
        found[checkpoint_callback.best_model_path] = (checkpoint_callback.best_model_score, "best")
    for path, score in getattr(checkpoint_callback, "best_k_models", {}).items():
        found[path] = (score, "best_k")
    files = sorted(
        (os.path.getmtime(path), path, score, tag)
        for path, (score, tag) in found.items()
        if os.path.isfile(path)
    )
    return [one for one in files if one[1] not in logged_model_time or logged_model_time[one[1]] < one[0]]
