"""States that callbacks return from ``on_save_checkpoint`` and get back in ``on_load_checkpoint``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leyden import Callback
from leyden.api.arguments import positional
from leyden.kernel.events import EVENTS
from leyden.plugins.adapt import Participant, overridden
from leyden_legacy.notes import note


def translate(participant: Participant) -> None:
    """Let a callback that keeps its state in Lightning 1.x's way go on doing so."""
    callback = participant.target
    save = overridden(callback, "on_save_checkpoint", Callback)
    if save is not None and overridden(callback, "state_dict", Callback) is None:
        participant.listen(EVENTS["on_save_checkpoint"], _saving(callback, save), _PARAMETERS)
    load = overridden(callback, "on_load_checkpoint", Callback)
    if load is not None and _takes_state(load):
        note(
            f"{type(callback).__name__}.on_load_checkpoint with its own state", "load_state_dict(state_dict)"
        )
        participant.listen(EVENTS["on_load_checkpoint"], _loading(callback, load), _PARAMETERS)


_PARAMETERS = ("trainer", "pl_module", "checkpoint")


def _takes_state(load: Callable[..., Any]) -> bool:
    """Whether a hook takes the callback's own state, as its last parameter's name says, and no whole checkpoint."""
    names, _, rest = positional(load)
    return not rest and (len(names) == 1 or (len(names) == 3 and "state" in names[2]))


def _saving(callback: Any, save: Callable[..., Any]) -> Callable[..., None]:
    names, _, rest = positional(save)

    def saving(*args: Any) -> None:
        state = save(*(args if rest else args[: len(names)]))
        if isinstance(state, Mapping):
            note(f"{type(callback).__name__}.on_save_checkpoint that returns its state", "state_dict()")
            args[2].setdefault("callbacks", {})[callback.state_key] = dict(state)

    return saving


def _loading(callback: Any, load: Callable[..., Any]) -> Callable[..., None]:
    names, _, _ = positional(load)

    def loading(*args: Any) -> None:
        state = (args[2].get("callbacks") or {}).get(callback.state_key)
        if state is not None:
            load(*(*args[:2], state)[3 - len(names) :])

    return loading
