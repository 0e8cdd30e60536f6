"""Fresh virtual environments that hold a few wheels and what those declare, and nothing else.

Each wheel is installed once, by pip, into one environment. From there its files are hard-linked into others, and
third-party distributions are linked from the running environment: this takes a moment and no package index, and an
environment still holds no package that nobody declared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Iterator
from contextlib import chdir
from functools import cache
from importlib.metadata import Distribution as Metadata
from importlib.metadata import distribution as installed
from importlib.metadata import distributions
from pathlib import Path

from hatchling.build import build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import ALL, ROOT, Distribution

OURS = {one.name: one for one in ALL}
FOR_TESTS = [Requirement("pytest"), Requirement("hypothesis")]
# torch does not declare it and warns on import where it is missing.
WITH_TORCH = [*FOR_TESTS, Requirement("numpy")]

PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build_wheels(these: Iterable[Distribution], target: Path) -> dict[str, Path]:
    """Build the wheels of several distributions, as their build backend does it; the result maps names to files."""
    found = {}
    for one in these:
        with chdir(one.folder):
            found[one.name] = target / build_wheel(str(target))
    return found


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _requirements(requirement: Requirement) -> Iterator[Requirement]:
    """What a distribution asks for in turn."""
    if requirement.name in OURS:
        ours = OURS[requirement.name]
        yield from ours.requirements
        yield from (one for extra in requirement.extras for one in ours.extras[extra])
        return
    for text in installed(requirement.name).requires or []:
        wanted = Requirement(text)
        if _applies(wanted, requirement.extras):
            yield wanted


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Canonical names of everything that the requirements bring with them, themselves included."""
    found: set[tuple[str, tuple[str, ...]]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name), tuple(sorted(requirement.extras))
        if key not in found:
            found.add(key)
            waiting.extend(_requirements(requirement))
    return {name for name, _ in found}


@cache
def _top_level(name: str) -> list[Path]:
    """The files and folders of an installed distribution that stand in ``site-packages`` itself."""
    found = installed(name)
    tops = {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}
    assert tops, f"{name} has no record of its files"
    return [Path(str(found.locate_file(top))) for top in sorted(tops)]


class Environment:
    """A virtual environment without pip.

    Args:
        folder: where it is created.
        third_party: names of distributions of the running environment that are to be linked into it.
    """

    def __init__(self, folder: Path, third_party: Iterable[str]) -> None:
        venv.EnvBuilder(symlinks=os.name != "nt").create(folder)
        self.folder = folder
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        base = {"base": str(folder), "platbase": str(folder)}
        self.site = Path(sysconfig.get_path("purelib", "venv", base))
        for name in third_party:
            self._link(name)

    def _link(self, name: str) -> None:
        for source in _top_level(name):
            link = self.site / source.name
            if not link.exists():
                link.symlink_to(source)

    def pip(self, *arguments: str) -> None:
        """Run pip of the running environment for this one."""
        _pip("--python", str(self.python), *arguments)

    def install(self, *wheels: Path) -> None:
        """Install wheels, without their dependencies."""
        self.pip("install", "--no-deps", "--no-index", *map(str, wheels))

    def take(self, other: Environment, name: str) -> None:
        """Have a distribution that is installed in another environment; scripts, which name its Python, stay there."""
        for file in other.files(name):
            target = self.site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(other.site / file, target)

    def drop(self, name: str) -> None:
        """Have it no longer."""
        files = self.files(name)
        for file in files:
            (self.site / file).unlink(missing_ok=True)
        for folder in sorted({parent for file in files for parent in file.parents[:-1]}, reverse=True):
            for left in (self.site / folder).glob("__pycache__/*.pyc"):
                left.unlink()
            if (self.site / folder).is_dir() and not any((self.site / folder).iterdir()):
                (self.site / folder).rmdir()

    def files(self, name: str) -> list[Path]:
        """The files of an installed distribution below ``site-packages``."""
        (found,) = (one for one in self._own() if canonicalize_name(one.name) == canonicalize_name(name))
        return [Path(str(file)) for file in found.files or [] if ".." not in file.parts]

    def _own(self) -> Iterator[Metadata]:
        return distributions(path=[str(self.site)])  # type: ignore[return-value]

    def run(self, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run the environment's interpreter with its output captured."""
        command = [str(self.python), *arguments]
        return subprocess.run(command, cwd=cwd, env=_clean(), capture_output=True, text=True, check=False)

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests of this repository in the environment, under the repository's configuration."""
        return self.run(*PYTEST, *arguments)


class Forks:
    """Runs programs in environments as :meth:`Environment.run` does, but torch and pytest are imported once for all.

    Args:
        folder: where its own environment is created, and output is kept.
    """

    def __init__(self, folder: Path) -> None:
        own = Environment(folder / "env", sorted(closure([*WITH_TORCH, Requirement("torch")])))
        script = str(Path(__file__).with_name("forks.py"))
        self.output = folder / "out", folder / "err"
        self.process = subprocess.Popen(
            [str(own.python), script, str(own.site)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_clean(),
            text=True,
        )

    def run(self, environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run what the environment's interpreter with these arguments would run, with its output captured."""
        assert self.process.stdin is not None and self.process.stdout is not None
        out, err = self.output
        request = {
            "arguments": arguments,
            "prefix": str(environment.folder),
            "python": str(environment.python),
            "site": str(environment.site),
            "cwd": str(ROOT),
            "out": str(out),
            "err": str(err),
        }
        print(json.dumps(request), file=self.process.stdin, flush=True)
        status = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, out.read_text(), err.read_text())

    def pytest(self, environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests of this repository in an environment, under the repository's configuration."""
        return self.run(environment, *PYTEST, *arguments)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def _clean() -> dict[str, str]:
    foreign = ("PYTHON", "PYTEST", "LEYDEN")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def environment_for(
    folder: Path, store: Environment, *names: str, besides: Iterable[Requirement] = WITH_TORCH
) -> Environment:
    """An environment with the named distributions of this repository and what they declare.

    Args:
        folder: where it is created.
        store: where all distributions of the repository are installed.
        names: which of them it has.
        besides: what is there in addition.
    """
    everything = closure([*(Requirement(name) for name in names), *besides])
    environment = Environment(folder, sorted(everything - OURS.keys()))
    for name in sorted(everything & OURS.keys()):
        environment.take(store, name)
    return environment
