from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leyden.testing import Bench
from leyden.testing.packages import accepted


class Saving(Bench):
    """Fits with the default of ``enable_checkpointing``."""

    OFF = ("logger", "enable_progress_bar", "enable_model_summary")


@pytest.fixture
def bench(tmp_path: Path) -> Saving:
    return Saving("leyden", tmp_path)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Saving, Saving]:
    """Leyden, and Lightning to compare it with."""
    return Saving.both(tmp_path)


@pytest.fixture
def run(leyden_run: Any) -> Any:
    """``leyden_run`` with checkpoint callbacks allowed."""
    allowed = {"enable_checkpointing": True} if "enable_checkpointing" in accepted() else {}
    return lambda *stages, **keywords: leyden_run(*stages, **allowed, **keywords)
