"""``python -m leyden_lightning SCRIPT [ARGS]`` and ``python -m leyden_lightning -m MODULE [ARGS]``."""

from __future__ import annotations

import os
import runpy
import sys
from types import ModuleType

from leyden_lightning.switch import install

USAGE = """\
usage: python -m leyden_lightning SCRIPT [ARGS ...]
       python -m leyden_lightning -m MODULE [ARGS ...]

Runs a program that imports pytorch_lightning, lightning.pytorch or lightning on Leyden.
"""


def main(arguments: list[str]) -> int:
    """Run what the arguments name as ``__main__``; returns an exit status when there is nothing to run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments[0] == "-m":
        if len(arguments) < 2:
            print(USAGE, end="", file=sys.stderr)
            return 2
        install()
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    if arguments[0].startswith("-"):
        print(f"{USAGE}\nunknown option {arguments[0]}", file=sys.stderr)
        return 2
    install()
    sys.argv = list(arguments)
    return _run_script(arguments[0])


def _run_script(path: str) -> int:
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        print(f"python -m leyden_lightning: {path!r} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    # A module of its own, kept as __main__: classes of the script are pickled by that name, and processes that it
    # starts find the script through __file__.
    main_module = ModuleType("__main__")
    vars(main_module).update(__file__=path, __builtins__=__builtins__, __spec__=None)
    sys.modules["__main__"] = main_module
    exec(compile(source, path, "exec"), vars(main_module))
    return 0


if __name__ == "__main__":
    # `python -m` puts the working directory first; the program shall see what plain `python SCRIPT` shows it.
    sys.path[:1] = [] if sys.path and sys.path[0] in ("", os.getcwd()) else sys.path[:1]
    sys.exit(main(sys.argv[1:]))
