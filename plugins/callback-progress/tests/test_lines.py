from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from leyden.callbacks import LogProgressBar
from leyden.errors import ConfigurationError
from leyden.testing import TinyModule

LINE = r"Epoch {epoch}/{last}: 2/2 \(100%\) \[0:00:\d\d, \d+\.\d\d it/s\] .*train_loss=[\d.e-]+.*"

Run = Callable[..., Any]


def test_a_short_fit_is_one_line(run: Run) -> None:
    outcome = run("fit", callbacks=[LogProgressBar(epoch_interval=60.0)], max_epochs=3).ok()
    (line,) = outcome.stdout.splitlines()
    assert re.fullmatch(LINE.format(epoch=2, last=2), line)


def test_every_epoch_when_asked(run: Run) -> None:
    outcome = run("fit", callbacks=[LogProgressBar(epoch_interval=0)], max_epochs=3).ok()
    lines = outcome.stdout.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines):
        assert re.fullmatch(LINE.format(epoch=epoch, last=2), line)


def test_every_batch_when_asked(run: Run) -> None:
    outcome = run("fit", callbacks=[LogProgressBar(interval=0)], num_sanity_val_steps=0).ok()
    heads = [line.partition(" [")[0] for line in outcome.stdout.splitlines()]
    assert heads == [
        "Epoch 0/0: 1/2 (50%)",
        "Epoch 0/0: 2/2 (100%)",
        "Validation: 1/2 (50%)",
        "Validation: 2/2 (100%)",
        "Epoch 0/0: 2/2 (100%)",
    ]


@pytest.mark.parametrize(
    ("stage", "name"), [("validate", "Validation"), ("test", "Testing"), ("predict", "Predicting")]
)
def test_an_evaluation_is_one_line(run: Run, stage: str, name: str) -> None:
    outcome = run(stage, callbacks=[LogProgressBar()]).ok()
    assert [line for line in outcome.stdout.splitlines() if line.startswith(f"{name}: 2/2 (100%)")] != []


def test_lines_are_plain(run: Run) -> None:
    outcome = run("fit", callbacks=[LogProgressBar(interval=0)]).ok()
    assert re.search(r"[^\n -~]", outcome.stdout) is None


def test_print_is_print(run: Run) -> None:
    class Talks(TinyModule):
        def on_train_start(self) -> None:
            self.print("a", "b", sep="-")

    outcome = run("fit", callbacks=[LogProgressBar()], module=Talks()).ok()
    assert outcome.stdout.startswith("a-b\n")


@pytest.mark.parametrize("name", ["interval", "epoch_interval"])
@pytest.mark.parametrize("value", [-1, "10", None, True, float("nan"), float("inf")])
def test_intervals_are_numbers(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}=.*a number of seconds, 0 or more"):
        LogProgressBar(**{name: value})
