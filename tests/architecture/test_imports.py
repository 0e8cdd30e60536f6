"""Who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.architecture.repository import (
    ADD_ONS,
    ALL,
    KERNEL,
    ROOT,
    TEMPLATE,
    Distribution,
    label,
    python_files,
)

# Its API hands torch objects over, so whoever requires the kernel has torch.
THROUGH_THE_KERNEL = {"leyden-kernel", "torch"}
OUR_MODULES = {one.module: one.name for one in ALL} | {"leyden": KERNEL.name}
Import = tuple[str, int]


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _is_guarded(node: ast.stmt) -> bool:
    """Whether a ``try`` goes on when what it imports is missing."""
    if not isinstance(node, ast.Try):
        return False
    caught = " ".join(ast.unparse(handler.type) for handler in node.handlers if handler.type)
    return "ImportError" in caught or "ModuleNotFoundError" in caught


def _imports(node: ast.AST) -> Iterator[Import]:
    """Dotted names of the unconditional absolute imports below ``node``, with their lines."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.level == 0:
            yield from ((f"{child.module}.{alias.name}", child.lineno) for alias in child.names)
        elif not (isinstance(child, ast.stmt) and (_is_type_checking(child) or _is_guarded(child))):
            yield from _imports(child)


def _imports_of(path: Path) -> list[Import]:
    return list(_imports(ast.parse(path.read_text(encoding="utf-8"))))


def _owners(module: str) -> set[str]:
    """Canonical names of the distributions that ship a top-level module."""
    if module in OUR_MODULES:
        return {OUR_MODULES[module]}
    return {canonicalize_name(name) for name in _installed().get(module, [])}


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()


def undeclared(path: Path, distribution: Distribution) -> list[str]:
    """Imports of a file that are neither the library's, its own, nor declared."""
    allowed = distribution.depends_on | THROUGH_THE_KERNEL | {distribution.name}
    complaints = []
    for name, line in _imports_of(path):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and not _owners(top) & allowed:
            complaints.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    return complaints


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("distribution", [*ADD_ONS, *TEMPLATE], ids=label)
def test_a_plugin_imports_only_what_it_declares(distribution: Distribution) -> None:
    files = python_files(distribution.source)
    assert [text for path in files for text in undeclared(path, distribution)] == []


@pytest.mark.parametrize("distribution", [*ADD_ONS, *TEMPLATE], ids=label)
def test_a_plugin_uses_public_names_of_leyden(distribution: Distribution) -> None:
    private = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in python_files(distribution.source)
        for name, line in _imports_of(path)
        if name.partition(".")[0] in OUR_MODULES.keys() - {distribution.module}
        and any(part.startswith("_") and not part.endswith("__") for part in name.split("."))
    ]
    assert private == []


@pytest.mark.parametrize("distribution", [*ADD_ONS, *TEMPLATE], ids=label)
def test_a_plugin_does_not_need_the_testing_kit_to_run(distribution: Distribution) -> None:
    files = python_files(distribution.source)
    names = [name for path in files for name, _ in _imports_of(path)]
    assert [name for name in names if f"{name}.".startswith(("leyden.testing.", "pytest."))] == []


def test_conditional_imports_are_told_from_the_others(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport a.b\nfrom c import d\nfrom . import e\n"
        "if TYPE_CHECKING:\n    import f\ntry:\n    import g\nexcept ImportError:\n    g = None\n"
        "def h() -> None:\n    import i\n"
    )
    assert _imports_of(path) == [("typing.TYPE_CHECKING", 1), ("a.b", 2), ("c.d", 3), ("i", 12)]
