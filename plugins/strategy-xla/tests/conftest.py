"""The fake of torch_xla is importable in these tests, here and in further processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FAKE = str(Path(__file__).parent / "fake")


@pytest.fixture(autouse=True)
def fake_torch_xla(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with two chips, as the fake shows it; afterwards nothing of the fake is left."""
    monkeypatch.syspath_prepend(FAKE)
    monkeypatch.setenv("PYTHONPATH", FAKE)
    monkeypatch.setenv("FAKE_TPU_CHIPS", "2")
    monkeypatch.delenv("PJRT_DEVICE", raising=False)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch_xla"]:
        del sys.modules[name]
