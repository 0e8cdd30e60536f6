"""Keeping out of a terminal what executorch and its dependencies say about themselves."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from leyden.interfaces.export_checks import hushed

CHATTER = re.compile(rb"\[cpuinfo_utils\.cpp:\d+\] [^\n]*\n")
"""What the runtime writes when it counts the processor's cores, once a process."""

LOGS = ("torchao", "torch.utils._pytree")
"""Who warns while executorch is imported: of kernels for other hardware, and of executorch's own calls."""

STDERR = 2
BYTES = ("utf-8", "surrogateescape")


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out :data:`CHATTER` and the warnings of :data:`LOGS`; everything else appears, at the latest at the end."""
    with hushed(*LOGS), _same_root(), _filtered(), _filtered_stream():
        yield


@contextmanager
def _same_root() -> Iterator[None]:
    """Importing executorch configures the root logger, which is the program's to configure."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextmanager
def _filtered_stream() -> Iterator[None]:
    """Some of the runtime's calls hand what C++ writes to ``sys.stderr``, which a program may have exchanged."""
    stream = sys.stderr
    if stream is None:
        yield
        return
    held = io.StringIO()
    try:
        with redirect_stderr(held):
            yield
    finally:
        stream.write(CHATTER.sub(b"", held.getvalue().encode(*BYTES)).decode(*BYTES))


@contextmanager
def _filtered() -> Iterator[None]:
    """Others write to the file descriptor, which no Python stream sees."""
    try:
        kept = os.dup(STDERR)
    except OSError:  # a process without one, where nothing can be written
        yield
        return
    with tempfile.TemporaryFile() as held:
        _flush()
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, STDERR)
            os.close(kept)
            held.seek(0)
            _write(CHATTER.sub(b"", held.read()))


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


def _write(text: bytes) -> None:
    while text:
        text = text[os.write(STDERR, text) :]
