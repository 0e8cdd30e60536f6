"""Where output goes: a terminal that can redraw a line, a notebook, or a file."""

from __future__ import annotations

import os
import sys


def in_terminal() -> bool:
    """Whether standard output is a terminal that can move its cursor."""
    stream = sys.stdout
    return stream is not None and stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
