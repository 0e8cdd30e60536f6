"""The kernel proper passes its tests where torch is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.repository import KERNEL
from tests.isolation.environments import FOR_TESTS, Environment, build_wheels, closure

pytestmark = pytest.mark.isolation

TORCH_FREE = [requirement for requirement in KERNEL.requirements if requirement.name != "torch"]
TESTS = [KERNEL.folder / "tests" / part for part in ("kernel", "plugins")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The kernel's wheel and its dependencies other than torch."""
    folder = tmp_path_factory.mktemp("torch_free")
    environment = Environment(folder / "env", sorted(closure([*TORCH_FREE, *FOR_TESTS])))
    environment.install(*build_wheels([KERNEL], folder).values())
    return environment


def test_torch_is_not_there(environment: Environment) -> None:
    assert "No module named 'torch'" in environment.run("-c", "import torch").stderr


def test_the_kernel_proper_passes_its_tests(environment: Environment, tmp_path: Path) -> None:
    done = environment.pytest(*map(str, TESTS), "--basetemp", str(tmp_path / "tests"))
    assert done.returncode == 0, done.stdout + done.stderr
