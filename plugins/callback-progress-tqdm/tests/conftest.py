from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from leyden.testing import Runner


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What is captured counts as a terminal, unless the test is of log files."""
    here = "log_file" not in request.node.name
    monkeypatch.setattr("leyden_callback_progress_tqdm.callback.in_terminal", lambda: here)


@pytest.fixture
def run(leyden_run: Runner) -> Callable[..., Any]:
    """Runs with progress bars."""
    return partial(leyden_run, enable_progress_bar=True)
