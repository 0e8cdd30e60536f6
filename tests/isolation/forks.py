"""Runs programs in forks of a process that has imported what is slow; run by its path.

It reads a request from each line of its input, as JSON, and answers with the program's exit status:

* ``arguments``: of the interpreter, ``-m MODULE ...`` or ``FILE ...``;
* ``prefix``, ``python``, ``site``: of the virtual environment whose interpreter the program is to take itself to be in;
* ``cwd``, ``out``, ``err``: the working directory, and the files for the program's output.

Nothing of this repository is imported here: programs find it, or do not, in their environment.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import runpy
import sys
from typing import Any

SLOW = ("torch", "torch._dynamo", "pytest")


def become(request: dict[str, Any], home: str) -> None:
    """Make a fork what an interpreter of that environment is before it runs its program."""
    for target, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), target)
    os.chdir(request["cwd"])
    sys.path[:] = [request["site"] if one == home else one for one in sys.path[1:]]
    sys.prefix = sys.exec_prefix = request["prefix"]
    sys.executable = request["python"]
    multiprocessing.set_executable(request["python"])
    importlib.invalidate_caches()


def program(arguments: list[str], cwd: str) -> None:
    """Run what an interpreter with these arguments would run."""
    module = arguments[0] == "-m"
    sys.argv = arguments[1:] if module else arguments
    sys.path.insert(0, cwd if module else os.path.dirname(arguments[0]))
    if module:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


def main(home: str) -> None:
    """Serve requests; only forks return before the input ends."""
    for name in SLOW:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            become(request, home)
            return program(request["arguments"], request["cwd"])
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
