"""One quiet note for each older spelling, once a process."""

from __future__ import annotations

import logging

from leyden.api.warn import LeydenDeprecationWarning, warn

ID = "legacy"
"""The id of all these notes: ``LEYDEN_SILENCE=legacy`` silences them."""

_said: set[str] = set()


def note(spelling: str, modern: str) -> None:
    """Say once a process what an older spelling is called now.

    Python shows deprecation warnings of ``__main__`` only. Where a filter makes them errors, the note goes to the
    logger ``leyden`` at level INFO instead: a program that runs must not fail because of it.

    Args:
        spelling: what was written, e.g. ``"Trainer(gpus=…)"``.
        modern: what to write, e.g. ``"Trainer(accelerator='gpu', devices=…)"``.
    """
    if spelling in _said:
        return
    _said.add(spelling)
    text = f"{spelling} is Lightning 1.x; the present form is {modern}."
    try:
        warn(ID, text, LeydenDeprecationWarning, stacklevel=5)
    except LeydenDeprecationWarning:
        logging.getLogger("leyden").info("[%s] %s", ID, text)
