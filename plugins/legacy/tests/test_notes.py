"""Notes: one for each spelling, quiet, silenceable, never fatal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import pytest

from leyden import Trainer
from leyden.testing import TinyData, TinyModule
from leyden.utilities import LeydenWarning

Make = Callable[..., Trainer]


def test_each_spelling_is_noted_once(trainer: Make) -> None:
    class Old(TinyModule):
        def training_epoch_end(self, outputs: object) -> None:
            pass

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            trainer(gpus=0, limit_train_batches=2).fit(Old(), TinyData())
    notes = [str(one.message) for one in caught if "[legacy]" in str(one.message)]
    assert notes == [
        "[legacy] Trainer(gpus=…) is Lightning 1.x; the present form is Trainer(accelerator='gpu', devices=…).",
        "[legacy] training_epoch_end(outputs) is Lightning 1.x; the present form is on_train_epoch_end; keep what you "
        "need in the step.",
    ]
    assert all(issubclass(one.category, DeprecationWarning | LeydenWarning) for one in caught)


def test_they_are_silenced_by_id(trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "legacy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer(gpus=0)
    assert [one for one in caught if "[legacy]" in str(one.message)] == []


def test_they_are_never_errors(trainer: Make, caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(), caplog.at_level(logging.INFO, "leyden"):
        warnings.simplefilter("error")
        assert trainer(gpus=0, weights_summary=None).num_devices == 1
    assert [one.message.partition(" is ")[0] for one in caplog.records] == [
        "[legacy] Trainer(gpus=…)",
        "[legacy] Trainer(weights_summary=…)",
    ]


def test_python_does_not_show_them_unasked(trainer: Make) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # as Python does for all but __main__
        trainer(gpus=0, weights_summary=None)
    assert caught == []
