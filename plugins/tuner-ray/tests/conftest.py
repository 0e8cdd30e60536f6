from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")


@pytest.fixture(scope="module")
def ray_session() -> Iterator[Any]:
    """One Ray for the tests of a file: starting it takes about ten seconds, and it keeps a gigabyte while it runs."""
    before = signal.getsignal(signal.SIGTERM)  # Ray takes it, and keeps it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        ray.init(
            num_cpus=2, include_dashboard=False, object_store_memory=200_000_000, log_to_driver=False,
            logging_level="ERROR",
        )  # fmt: skip
    yield ray
    ray.shutdown()
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def where(tmp_path: Path) -> dict[str, Any]:
    """Where Ray keeps the results."""
    return {"storage_path": str(tmp_path / "results"), "verbose": 0}
