from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import leyden_lightning

OFF: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}


@pytest.fixture
def installed() -> Iterator[None]:
    """Lightning's names are Leyden for one test."""
    leyden_lightning.install()
    try:
        yield
    finally:
        leyden_lightning.uninstall()


@pytest.fixture
def off() -> dict[str, Any]:
    """Keywords of a Trainer that writes and shows nothing."""
    return dict(OFF)


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Writes a script and runs it with ``python -m leyden_lightning``, or with other arguments of Python's."""

    def run(
        source: str, *arguments: str, python: tuple[str, ...] = ("-m", "leyden_lightning"), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "program.py"
        path.write_text(source)
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [sys.executable, *python, str(path), *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**clean, "OMP_NUM_THREADS": "1", **environment},
            timeout=120,
        )

    return run
