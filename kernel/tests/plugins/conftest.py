"""Distributions on disk, and a catalogue of them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import importlib_metadata
import pytest

from leyden.plugins.catalogue import Catalogue
from leyden.plugins.selection import Selection
from leyden.testing.dists import FakeDists

Scan = Callable[..., Catalogue]


@pytest.fixture
def dists(tmp_path: Path) -> Iterator[FakeDists]:
    """Call it to make a distribution in a folder on ``sys.path``."""
    with FakeDists(tmp_path / "distributions") as made:
        yield made


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """Call it for a catalogue of the distributions that ``dists`` made; arguments are those of ``Selection``."""

    def found(group: str) -> list[importlib_metadata.EntryPoint]:
        folders = [str(folder) for folder in sorted((tmp_path / "distributions").glob("*"))]
        points: list[importlib_metadata.EntryPoint] = []
        for one in importlib_metadata.distributions(path=folders):
            points += one.entry_points.select(group=group)
        return points

    return lambda **allowed: Catalogue(Selection(**allowed), found)
