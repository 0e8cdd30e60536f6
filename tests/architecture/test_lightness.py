"""Importing Leyden costs neither torch nor a plugin."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LOADED = "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
HEAVY = {"torch", "numpy", "tensorboard", "rich", "tqdm", "sklearn"}
WALK = """
import importlib, pkgutil, sys
sys.modules["torch"] = sys.modules["numpy"] = None
for name in ("leyden.kernel", "leyden.plugins"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
"""


def _modules_after(program: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after ``program``."""
    command = [sys.executable, "-c", program + LOADED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def _heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name in HEAVY or name.startswith("leyden_")}


def test_importing_leyden_imports_neither_torch_nor_a_plugin() -> None:
    assert _heavy(_modules_after("import leyden")) == set()


@pytest.mark.parametrize("view", ["callbacks", "loggers", "strategies", "accelerators", "profilers"])
def test_a_view_of_the_catalogue_imports_no_plugin(view: str) -> None:
    assert _heavy(_modules_after(f"import leyden.{view}\ndir(leyden.{view})")) == set()


def test_a_class_from_a_view_imports_its_own_plugin_only() -> None:
    modules = _modules_after("from leyden.callbacks import ModelCheckpoint")
    assert {name for name in modules if name.startswith("leyden_")} == {"leyden_callback_checkpoint"}


def test_the_kernel_proper_imports_where_torch_is_missing() -> None:
    modules = _modules_after(WALK + "\nassert sys.modules['torch'] is sys.modules['numpy'] is None")
    assert "leyden" in modules


def test_listing_the_plugins_imports_neither_torch_nor_a_plugin() -> None:
    program = "import sys\nfrom leyden.cli import main\nsys.argv = ['leyden', 'plugins', 'list']\n"
    program += "try:\n    main()\nexcept SystemExit as exit:\n    assert not exit.code, exit.code\n"
    assert _heavy(_modules_after(program)) == set()
