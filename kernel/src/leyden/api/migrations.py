"""Checkpoints of older formats, brought up to date by whoever knows them (entry points in ``leyden.migrations``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from leyden.plugins.catalogue import PREFIX, catalogue

Content = dict[str, Any]


@contextmanager
def reading(path: Any) -> Iterator[Callable[[Content], Content]]:
    """What holds while a checkpoint is read; gives the function that brings its content up to date.

    A migration has ``names()``, a context in which classes that old files name are known, and
    ``migrate(content, path)``.
    """
    entries = [
        one for one in catalogue().group(PREFIX + "migrations") if not one.refusal and not one.incompatibility
    ]
    known = [one.load()() for one in entries]

    def migrated(content: Content) -> Content:
        for one in known:
            content = one.migrate(content, path)
        return content

    with ExitStack() as stack:
        for one in known:
            stack.enter_context(one.names())
        yield migrated
