"""Stands in front of the real package in processes that an installed one starts; see ``leyden_lightning.children``."""

import sys
from importlib import import_module
from pathlib import Path

_FOLDER = str(Path(__file__).resolve().parent.parent)
sys.modules.pop(__name__, None)
try:
    from leyden_lightning import install
except ModuleNotFoundError as _error:
    if _error.name != "leyden_lightning":
        raise
    # Another Python, without Leyden: it is to find what it would have found.
    sys.path[:] = [one for one in sys.path if one != _FOLDER]
else:
    install()
import_module(__name__)
