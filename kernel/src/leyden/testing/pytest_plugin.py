"""Fixtures for plugin authors. Every pytest session loads this, so it imports neither torch nor a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from leyden.plugins.manager import Manager
    from leyden.testing.dists import FakeDists
    from leyden.testing.drive import Runner
    from leyden.testing.packages import Package
    from leyden.testing.recorder import HookRecorder

pytest.register_assert_rewrite("leyden.testing.contracts")


@pytest.fixture
def leyden_pm() -> Manager:
    """A plugin manager of its own: nothing is registered, and nothing that is registered outlives the test."""
    from leyden.kernel.state import RunState
    from leyden.plugins.manager import Manager

    return Manager(RunState())


@pytest.fixture
def hook_recorder() -> HookRecorder:
    """A listener that writes down every hook with its arguments."""
    from leyden.testing.recorder import HookRecorder

    return HookRecorder()


@pytest.fixture
def fake_dist(tmp_path: Path) -> Iterator[FakeDists]:
    """Call it to make a distribution that the catalogue finds as if it were installed; undone after the test."""
    from leyden.testing.dists import FakeDists

    with FakeDists(tmp_path / "distributions") as dists:
        yield dists


@pytest.fixture
def leyden_run(tmp_path: Path) -> Runner:
    """Call it to run a tiny module for two batches in ``tmp_path``; returns an :class:`~leyden.testing.Outcome`."""
    from leyden.testing.drive import Runner

    return Runner(tmp_path)


@pytest.fixture
def both_packages(tmp_path: Path) -> tuple[Package, Package]:
    """Leyden and pytorch-lightning, each with a folder of its own; skipped where the latter is not installed."""
    from leyden.testing.packages import Package

    return Package.both(tmp_path)
