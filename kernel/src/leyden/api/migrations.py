"""Checkpoints of older formats, brought up to date by whoever knows them (entry points in ``leyden.migrations``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from leyden.api.checkpoint import checked
from leyden.api.unnamed import guarded, instance_of, working
from leyden.interfaces.migration import Migration
from leyden.plugins.catalogue import PREFIX, catalogue

Content = dict[str, Any]


@contextmanager
def reading(path: Any) -> Iterator[Callable[[Content], Content]]:
    """What holds while a checkpoint is read; gives the function that brings its content up to date and checks it."""
    known = [
        (entry, one)
        for entry in catalogue().group(PREFIX + "migrations")
        for one in working([entry], "creation", instance_of(Migration))
    ]

    def migrated(content: Content) -> Content:
        for entry, one in known if isinstance(content, dict) else ():
            content = guarded(entry, f"migration of {path}", partial(one.migrate, content, path))
        return checked(content, path)

    with ExitStack() as stack:
        for _, one in known:
            stack.enter_context(one.names())
        yield migrated
