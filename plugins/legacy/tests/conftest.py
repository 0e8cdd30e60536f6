from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from leyden import Trainer
from leyden_legacy import notes

QUIET: dict[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "accelerator": "cpu",
    "max_epochs": 1,
}


@pytest.fixture(autouse=True)
def _said_nothing_yet(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test is a process of its own, as far as notes are concerned; they are no errors here."""
    monkeypatch.chdir(tmp_path)
    before = set(notes._said)
    notes._said.clear()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\[(legacy|no-validation-data)\]")
        yield
    notes._said.clear()
    notes._said.update(before)


@pytest.fixture
def trainer() -> Callable[..., Trainer]:
    """Makes a Trainer that writes nothing, runs on the processor for one epoch, unless keywords say otherwise."""
    return lambda **keywords: Trainer(**{**QUIET, **keywords})
