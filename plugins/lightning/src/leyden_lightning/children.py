"""Processes that this one starts: they shall import what this one imports.

A folder with three small packages named like Lightning's stands first on ``PYTHONPATH``. A child process (a rank, a
Ray worker, a spawned loader worker, a subprocess) that imports one of them installs the names for itself.
Nothing runs in children that import none of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = str(Path(__file__).resolve().parent / "shadow")


def reach() -> None:
    """Put the folder on ``PYTHONPATH`` and, behind the script's own folder, on ``sys.path``."""
    others = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and one != FOLDER]
    os.environ["PYTHONPATH"] = os.pathsep.join([FOLDER, *others])
    if FOLDER not in sys.path:
        # multiprocessing's spawn hands this list on instead of PYTHONPATH
        sys.path.insert(1, FOLDER)


def let_go() -> None:
    """Take both back."""
    others = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and one != FOLDER]
    if others:
        os.environ["PYTHONPATH"] = os.pathsep.join(others)
    else:
        os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [one for one in sys.path if one != FOLDER]
