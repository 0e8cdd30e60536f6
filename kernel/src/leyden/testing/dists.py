"""Distributions that look installed: metadata and modules in a folder on ``sys.path``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import TracebackType
from typing import Self

from leyden.plugins.catalogue import refresh

EntryPoints = Mapping[str, Mapping[str, str]]


@dataclass
class FakeDist:
    """One distribution.

    Attributes:
        name: its name.
        version: its version.
        folder: the folder on ``sys.path`` that holds its modules and metadata.
        packages: the top-level modules it brought.
    """

    name: str
    version: str
    folder: Path
    packages: frozenset[str]

    def uninstall(self) -> None:
        """Take it off ``sys.path``, and its modules out of ``sys.modules``."""
        if str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))
        for name in [one for one in sys.modules if one.partition(".")[0] in self.packages]:
            del sys.modules[name]
        _forget()


class FakeDists:
    """Makes distributions, and takes them all away when its ``with`` statement ends.

    Args:
        folder: where they are written; each gets a folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._made: list[FakeDist] = []

    def __call__(
        self,
        name: str,
        entry_points: EntryPoints,
        modules: Mapping[str, str],
        *,
        version: str = "1.0",
        requires: Sequence[str] = (),
    ) -> FakeDist:
        """Write a distribution and put it on ``sys.path``.

        Args:
            name: the distribution's name.
            entry_points: ``{group: {name: "module:attribute"}}``.
            modules: source by dotted module name; indentation common to all lines is removed.
            version: its version.
            requires: its requirements, e.g. ``["leyden-kernel~=0.1.0"]``.

        Returns:
            The distribution, whose ``uninstall`` takes it away early.
        """
        folder = self._folder / f"{name}-{version}-{len(self._made)}"
        files = [
            _write(folder, _source_path(module, modules), dedent(text)) for module, text in modules.items()
        ]
        _write_metadata(folder, name, version, entry_points, requires, files)
        made = FakeDist(name, version, folder, frozenset(module.partition(".")[0] for module in modules))
        self._made.append(made)
        sys.path.insert(0, str(folder))
        _forget()
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for made in reversed(self._made):
            made.uninstall()


def _forget() -> None:
    importlib.invalidate_caches()
    refresh()


def _source_path(module: str, modules: Mapping[str, str]) -> str:
    """``a.b`` stands in a/b.py, or in a/b/__init__.py when there is an ``a.b.c``."""
    parts = module.replace(".", "/")
    is_package = any(other.startswith(f"{module}.") for other in modules)
    return f"{parts}/__init__.py" if is_package else f"{parts}.py"


def _write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def _write_metadata(
    folder: Path,
    name: str,
    version: str,
    entry_points: EntryPoints,
    requires: Sequence[str],
    files: list[str],
) -> None:
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    groups = (
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in table.items())
        for group, table in entry_points.items()
    )
    files = [
        *files,
        _write(folder, f"{info}/METADATA", "\n".join(lines) + "\n"),
        _write(folder, f"{info}/entry_points.txt", "\n".join(groups)),
    ]
    _write(folder, f"{info}/RECORD", "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"]))
