"""The least that can be asked of a plugin: a tiny run with it ends well and leaves nothing behind."""

from __future__ import annotations

import inspect
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leyden.plugins.catalogue import PLUGINS, PREFIX, Entry
from leyden.plugins.errors import LeydenError
from leyden.testing.outcome import Outcome
from leyden.testing.wanted import required_plugins

CALLBACKS = PREFIX + "callbacks"
LONGEST = 120
LOUD = ("leyden", "lightning")


def smoke(entry: Entry, loaded: Any) -> list[str]:
    """Run a hook plugin, or a callback that can be made without arguments, for one epoch of a tiny module.

    Args:
        entry: the entry point.
        loaded: what it stands for.

    Returns:
        What went wrong, as sentences that say how to mend it. A run that ends with an error of Leyden's own was refused
        in words (a callback that needs a logger, for example), and that is no fault. Components of other families need
        more than a run to be tried, and are left to their contracts.
    """
    if entry.group == PLUGINS:
        return _problems(entry, lambda: _run(entry))
    if entry.group == CALLBACKS and inspect.isclass(loaded) and _without_arguments(loaded):
        try:
            loaded()
        except LeydenError:
            return []
        except Exception as error:
            return [f"It cannot be made: {type(error).__name__}: {error}. {_remedy(entry)}"]
        return _problems(entry, lambda: _run(entry, callbacks=[loaded()]))
    return []


def _run(entry: Entry, **keywords: Any) -> Outcome:
    from leyden.testing.drive import Runner

    quiet = {name: logging.getLogger(name).level for name in LOUD}
    for name in quiet:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return Runner(Path(folder))(
                "fit", allowed=sorted(required_plugins(entry.distribution)), **keywords
            )
    finally:
        for name, level in quiet.items():
            logging.getLogger(name).setLevel(level)


def _problems(entry: Entry, run: Callable[[], Outcome]) -> list[str]:
    outcome = run()
    if outcome.exception is None and (outcome.left or outcome.settings):
        outcome = run()  # what a library sets and opens once, when it is first imported, is not done again
    error = outcome.exception
    if isinstance(error, KeyboardInterrupt):
        raise error
    found = []
    if error is not None and not isinstance(error, LeydenError):
        found.append(f"A tiny fit with it ends with {type(error).__name__}: {error}.")
    if error is None and outcome.left:
        found.append(f"A tiny fit with it leaves {_few(outcome.left)}.")
    if error is None and outcome.settings:
        found.append(f"A tiny fit with it changes {_few(outcome.settings)}.")
    return [*found, _remedy(entry)] if found else []


def _few(findings: list[str]) -> str:
    return ", ".join(one if len(one) <= LONGEST else f"{one[: LONGEST - 1]}…" for one in findings)


def _remedy(entry: Entry) -> str:
    name = entry.distribution
    return (
        f"Authors: inherit the family's contract from leyden.testing. Users: pip install --upgrade {name}, "
        f"or disable it with LEYDEN_DISABLE_PLUGINS={name}."
    )


def _without_arguments(cls: type) -> bool:
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        return False
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [one for one in parameters if one.default is one.empty and one.kind not in variadic]
    return not needed and not inspect.isabstract(cls)
