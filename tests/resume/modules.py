"""Modules that are imported before processes are forked, which have then run nothing all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def import_what(run: Callable[[], None], folder: Path) -> None:
    """Import here what a run imports in a process of its own.

    Args:
        run: the run.
        folder: where the names of the modules go by; it exists.
    """
    listed = folder / "modules"
    child = os.fork()
    if not child:
        try:
            run()
            listed.write_text("\n".join(sys.modules))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    for name in listed.read_text().split("\n"):
        if name.partition(".")[0] in ("leyden", "torch", "numpy") or name.startswith("leyden_"):
            import_module(name)
    listed.unlink()
