"""The distributions of this repository, read from their pyproject files."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
VERSION_FILE = ROOT / "kernel" / "src" / "leyden" / "_version.py"


@dataclass(frozen=True)
class Distribution:
    """One folder of the repository that becomes one wheel."""

    folder: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    @cached_property
    def project(self) -> dict[str, Any]:
        table: dict[str, Any] = self.pyproject["project"]
        return table

    @property
    def name(self) -> str:
        return str(self.project["name"])

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def source(self) -> Path:
        return self.folder / "src" / ("leyden" if self == KERNEL else self.module)

    @property
    def requirements(self) -> list[Requirement]:
        return [Requirement(text) for text in self.project.get("dependencies", [])]

    @property
    def extras(self) -> dict[str, list[Requirement]]:
        table: dict[str, list[str]] = self.project.get("optional-dependencies", {})
        return {extra: [Requirement(text) for text in texts] for extra, texts in table.items()}

    @property
    def entry_points(self) -> dict[str, dict[str, str]]:
        """The entry points in Leyden's groups: ``{group: {name: target}}``."""
        groups: dict[str, dict[str, str]] = self.project.get("entry-points", {})
        return {group: table for group, table in groups.items() if group.startswith("leyden.")}

    @property
    def depends_on(self) -> set[str]:
        """Canonical names of the declared dependencies, extras left out."""
        return {canonicalize_name(requirement.name) for requirement in self.requirements}


def _folders(parent: str) -> list[Distribution]:
    return [Distribution(path.parent) for path in sorted(ROOT.glob(f"{parent}/*/pyproject.toml"))]


METAPACKAGE = Distribution(ROOT)
KERNEL = Distribution(ROOT / "kernel")
PLUGINS = _folders("plugins")
CONTRIB = _folders("contrib")
TEMPLATE = [Distribution(path.parent) for path in ROOT.glob("plugin-template/pyproject.toml")]
ADD_ONS = [*PLUGINS, *CONTRIB]
WITH_CODE = [KERNEL, *ADD_ONS, *TEMPLATE]
ALL = [METAPACKAGE, *WITH_CODE]


def label(distribution: Distribution) -> str:
    """The identifier of a parametrized test."""
    return distribution.name


def python_files(folder: Path) -> list[Path]:
    """Every Python file below ``folder``."""
    return sorted(folder.rglob("*.py"))


def _contract_classes(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("leyden.testing")
    ]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    bases = {name for name in names if name.endswith("Contract")}
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(one, ast.Name) and one.id in bases for one in node.bases
        ):
            bases.add(node.name)  # so that a class between a test class and its contract counts too
            found.append(node.name)
    return [name for name in found if name.startswith("Test")]


def contracts(distribution: Distribution) -> list[str]:
    """Node ids of the test classes that subclass a contract imported from ``leyden.testing``."""
    files = python_files(distribution.folder / "tests")
    return [f"{path}::{name}" for path in files for name in _contract_classes(path)]
