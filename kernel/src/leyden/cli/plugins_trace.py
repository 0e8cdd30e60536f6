"""``leyden plugins trace``: a program as it is, and what each plugin cost in its runs."""

from __future__ import annotations

import os
import runpy
import sys
from argparse import Namespace
from pathlib import Path

from leyden.plugins.catalogue import OPTIONS, catalogue, official
from leyden.plugins.components import install
from leyden.plugins.errors import ConfigurationError, PluginNotFoundError

VARIABLE = "PL_TRAINER_TRACE"


def run(arguments: Namespace) -> int:
    """Run the script with every Trainer's ``trace`` on.

    Raises:
        leyden.errors.PluginNotFoundError: the option is not installed.
        leyden.errors.ConfigurationError: there is no such script.
    """
    if not catalogue().named(OPTIONS, "trace"):
        owner = official().get(OPTIONS, {}).get("trace", ["leyden-option-trace"])[0]
        raise PluginNotFoundError(f"leyden plugins trace needs the option 'trace'. {install(owner)}")
    script = Path(arguments.script)
    if not script.is_file():
        raise ConfigurationError.about("trace SCRIPT", arguments.script, "a Python file")
    before, argv, path = os.environ.get(VARIABLE), sys.argv, sys.path[:]
    os.environ[VARIABLE] = repr(arguments.folder) if arguments.folder else "True"
    sys.argv, sys.path[:] = [str(script), *arguments.arguments], [str(script.resolve().parent), *path]
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
    return 0
