from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from leyden.testing import Runner


@pytest.fixture
def run(leyden_run: Runner) -> Callable[..., Any]:
    """Runs with progress bars."""
    return partial(leyden_run, enable_progress_bar=True)
