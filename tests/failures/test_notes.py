"""What an exception says about where it came from, and what a real Ctrl-C does."""

from __future__ import annotations

import importlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leyden.testing import FakeDists
from tests.failures.cases import Case
from tests.failures.cast import load
from tests.failures.program import Scene, quiet

PLUGIN = """
def on_train_batch_end(trainer, batch_idx):
    raise LookupError("nothing there")
"""
CALLBACK = """
from leyden import Callback

class Acme(Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        raise LookupError("nothing there")
"""


def notes_of(folder: Path, **options: Any) -> list[str]:
    """The notes of the error that comes out of a fit."""
    with quiet():
        scene = Scene(load("leyden"), Case("callback", "on_fit_start", "fit", "ValueError"), folder)
        trainer = scene.trainer(faulty=False, **options)
        with pytest.raises(LookupError, match="nothing there") as caught:
            trainer.fit(scene.module, datamodule=scene.data)
    return list(caught.value.__notes__)


def test_a_hook_plugins_error_names_plugin_distribution_version_and_hook(
    fake_dist: FakeDists, tmp_path: Path
) -> None:
    fake_dist(
        "acme-hooks", {"leyden.plugins": {"watch": "acme_hooks"}}, {"acme_hooks": PLUGIN}, version="3.2"
    )
    assert notes_of(tmp_path) == ["leyden: raised in on_train_batch_end of plugin 'watch' (acme-hooks 3.2)"]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(lambda: importlib.import_module("leyden.callbacks").Acme, id="through leyden.callbacks"),
        pytest.param(
            lambda: importlib.import_module("acme_callback").Acme,
            id="from its own module",
        ),
    ],
)
def test_a_callbacks_error_names_its_distribution(
    found: Callable[[], Any], fake_dist: FakeDists, tmp_path: Path
) -> None:
    points = {"leyden.callbacks": {"acme": "acme_callback:Acme"}}
    fake_dist("acme-callback", points, {"acme_callback": CALLBACK}, version="3.2")
    made = found()()
    assert notes_of(tmp_path, callbacks=[made]) == [
        "leyden: raised in on_train_batch_end of callback 'Acme' (acme-callback 3.2)"
    ]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own handler of SIGINT, also where the shell that started the tests ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_real_interrupt_signal_returns_control(tmp_path: Path) -> None:
    with quiet():
        scene = Scene(load("leyden"), Case("callback", "on_fit_start", "fit", "ValueError"), tmp_path)
        made = type(
            "Impatient", (type(scene.module),), {"on_after_backward": lambda self: signal.raise_signal(2)}
        )()
        trainer = scene.trainer(faulty=False, max_epochs=100)
        assert trainer.fit(made, datamodule=scene.data) is None
    assert trainer.interrupted
    assert made.seen.down == 1
    assert [end for _, end in [(one.started, one.finalised) for one in trainer.loggers]] == [
        ["failed"],
        ["failed"],
    ]


def test_one_trainer_can_be_used_again_after_a_failure(tmp_path: Path) -> None:
    with quiet():
        scene = Scene(load("leyden"), Case("callback", "on_train_batch_end", "fit", "ValueError"), tmp_path)
        trainer = scene.trainer()
        with pytest.raises(ValueError, match="raised in on_train_batch_end"):
            scene.call(trainer)
        scene.fault.armed = False
        scene.call(trainer)
    assert not trainer.interrupted
    assert (trainer.current_epoch, trainer.global_step) == (1, 3)  # the epoch begins anew, the step is kept


def test_loggers_are_told_that_a_teardown_failed(tmp_path: Path) -> None:
    with quiet():
        scene = Scene(load("leyden"), Case("callback", "teardown", "fit", "ValueError"), tmp_path)
        trainer = scene.trainer()
        with pytest.raises(ValueError, match="raised in teardown"):
            scene.call(trainer)
    assert [one.finalised for one in trainer.loggers] == [["failed"], ["failed"]]
