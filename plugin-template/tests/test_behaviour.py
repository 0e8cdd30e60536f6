from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from leyden.testing import Runner

if TYPE_CHECKING:
    from pytest import LogCaptureFixture as Log
    from pytest import MonkeyPatch as Patch

NAME = "leyden_plugin_template"


def messages(log: Log) -> list[str]:
    return [one.getMessage() for one in log.records if one.name == NAME]


def test_says_how_long_training_took(leyden_run: Runner, caplog: Log) -> None:
    with caplog.at_level(logging.INFO, NAME):
        leyden_run("fit", max_epochs=2).ok()
    (message,) = messages(caplog)
    assert message.startswith("trained 2 epoch(s) in ")


def test_another_rank_says_nothing(leyden_run: Runner, caplog: Log) -> None:
    with caplog.at_level(logging.INFO, NAME):
        leyden_run("fit", rank=1).ok()
    assert messages(caplog) == []


def test_only_training_counts(leyden_run: Runner, caplog: Log) -> None:
    with caplog.at_level(logging.INFO, NAME):
        leyden_run("validate", "test", "predict").ok()
    assert messages(caplog) == []


def test_disabled(leyden_run: Runner, caplog: Log, monkeypatch: Patch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "leyden-plugin-template")
    with caplog.at_level(logging.INFO, NAME):
        leyden_run("fit").ok()
    assert messages(caplog) == []
