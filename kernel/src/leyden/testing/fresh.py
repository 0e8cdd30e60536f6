"""What happens in an interpreter in which nothing was imported yet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

NEEDED = (
    *("PATH", "HOME", "USERPROFILE", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
)
"""The environment variables of a fresh interpreter."""
PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True)
class Report:
    """What a fresh interpreter did.

    Attributes:
        status: its exit status.
        stdout: what was printed.
        stderr: what was printed as errors.
        files: the files that it wrote into its working directory.
        modules: the modules that were imported.
        threads: how many threads were started and still run.
        handlers: signal handlers that were set.
        environment: environment variables that were set.
        states: the states of the catalogue's entries by ``group:distribution:name``, where it was read.
    """

    status: int
    stdout: str
    stderr: str
    files: tuple[str, ...]
    modules: frozenset[str] = frozenset()
    threads: int = 0
    handlers: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    states: tuple[tuple[str, str], ...] = ()

    @property
    def packages(self) -> set[str]:
        """The top-level modules that were imported."""
        return {name.partition(".")[0] for name in self.modules}


def importing(module: str) -> Report:
    """Import a module."""
    return _ask(module, tuple(sys.path), ())


def reading_the_catalogue(**environment: str) -> Report:
    """Read the metadata of everything that is installed, with environment variables set."""
    return _ask(None, tuple(sys.path), tuple(sorted(environment.items())))


@lru_cache(maxsize=64)
def _ask(module: str | None, path: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        work, request, report = Path(folder, "work"), Path(folder, "request"), Path(folder, "report")
        work.mkdir()
        request.write_text(json.dumps({"module": module, "path": _absolute(path)}), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(PROBE), str(request), str(report)],
            cwd=work,
            env={**_clean(), **dict(environment)},
            capture_output=True,
            text=True,
            check=False,
        )
        files = tuple(sorted(str(one.relative_to(work)) for one in work.rglob("*")))
        found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return Report(
        done.returncode,
        done.stdout,
        done.stderr,
        files,
        frozenset(found.get("modules", ())),
        found.get("threads", 0),
        tuple(found.get("handlers", ())),
        tuple(found.get("environment", ())),
        tuple(found.get("states", {}).items()),
    )


def _absolute(path: tuple[str, ...]) -> list[str]:
    return [os.path.abspath(one) for one in path if one]


def _clean() -> dict[str, str]:
    """What an interpreter needs to start, and nothing that plugins may have set in this process."""
    return {name: os.environ[name] for name in NEEDED if name in os.environ}
