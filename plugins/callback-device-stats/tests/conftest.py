from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leyden.testing import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Bench, Bench]:
    """Leyden, and Lightning to compare it with."""
    return Bench.both(tmp_path)


@pytest.fixture
def data() -> Any:
    return Bench.loader
