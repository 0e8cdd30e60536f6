"""Dicts with ``log`` and ``progress_bar``, which steps and epoch ends of Lightning 0.9 and 1.0 returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from leyden.errors import UserCodeError
from leyden_legacy.notes import note

KEYS = ("log", "progress_bar")


def log_step(module: Any, returned: Any) -> Any:
    """Log what ``training_step`` returned under ``log`` and ``progress_bar``, and return the rest."""
    if not isinstance(returned, Mapping) or not any(key in returned for key in KEYS):
        return returned
    note("a step that returns {'log': …, 'progress_bar': …}", "self.log_dict(…)")
    _log(module, {}, returned)
    return {key: value for key, value in returned.items() if key not in KEYS}


def log_epoch(module: Any, hook: str, returned: Any) -> None:
    """Log what an epoch end returned: every number for monitors, ``log`` for the loggers, ``progress_bar`` for the bar.

    Raises:
        leyden.errors.UserCodeError: it returned something else than a mapping.
    """
    if returned is None:
        return
    if not isinstance(returned, Mapping):
        raise UserCodeError(
            f"{hook} returned {type(returned).__name__}; allowed are None, and a dict as in Lightning 1.0."
        )
    note(f"{hook} that returns a dict", "self.log_dict(…)")
    plain = {key: value for key, value in returned.items() if key not in KEYS and _number(value)}
    _log(module, plain, returned)


def _log(module: Any, plain: Mapping[str, Any], returned: Mapping[str, Any]) -> None:
    logged, shown = dict(returned.get("log") or {}), dict(returned.get("progress_bar") or {})
    results = module.trainer.session.metrics
    known = {name for hook, name, _ in results.current.entries if hook == module.trainer.run_state.hook}
    for name, value in {**plain, **shown, **logged}.items():
        if name not in known:
            module.log(name, value, prog_bar=name in shown, logger=name in logged)


def _number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.numel() == 1
    return isinstance(value, int | float) and not isinstance(value, bool)
