"""Errors, warnings and notes of callbacks, data modules and tuners hold the pieces that programs look for."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from leyden_lightning.incumbent import manifest_place
from leyden_lightning.wording import worded


def _callback(name: str, **arguments: Any) -> Any:
    from lightning.pytorch import callbacks

    return getattr(callbacks, name)(**arguments)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("ModelCheckpoint", {"save_top_k": -3}, "Must be >= -1"),
    ("ModelCheckpoint", {"save_top_k": 3}, "ModelCheckpoint(save_top_k=3, monitor=None) is not a valid"),
    ("ModelCheckpoint", {"every_n_epochs": -3}, "Must be >= 0"),
    ("ModelCheckpoint", {"every_n_train_steps": -3}, "Must be >= 0"),
    (
        "ModelCheckpoint",
        {"train_time_interval": timedelta(minutes=1), "every_n_epochs": 2},
        "Combination of parameters every_n_train_steps",
    ),
    ("ModelCheckpoint", {"mode": "most"}, "but got most"),
    ("EarlyStopping", {"monitor": "x", "mode": "most"}, "`mode` can be"),
    ("Timer", {"interval": "day"}, "Unsupported parameter value"),
    ("LearningRateMonitor", {"logging_interval": "day"}, "should be `step` or `epoch` or `None`"),
    ("GradientAccumulationScheduler", {"scheduling": {}}, "Empty dict cannot be interpreted"),
    ("GradientAccumulationScheduler", {"scheduling": {-1: 2}}, "Epoch should be an int"),
    ("GradientAccumulationScheduler", {"scheduling": {1: -2}}, "Accumulation factor should be an int"),
    ("StochasticWeightAveraging", {"swa_lrs": 0.1, "swa_epoch_start": 1.5}, "between 0 and 1"),
    ("StochasticWeightAveraging", {"swa_lrs": -0.1}, "a list of positive floats"),
    ("ModelSummary", {"max_depth": -5}, "`max_depth` can be"),
    ("ModelPruning", {"pruning_fn": "l1_unstructured", "verbose": 3}, "must be any of (0, 1, 2)"),
    ("ModelPruning", {"pruning_fn": {}}, "expected to be a str in ["),
    ("ModelPruning", {"pruning_fn": "random_structured"}, "`pruning_dim` should be provided"),
    ("ModelPruning", {"pruning_fn": "ln_structured", "pruning_dim": 0}, "the `pruning_norm`"),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "arguments", "piece"),
    REFUSED,
    ids=[f"{one[0]}-{'-'.join(one[1])}-{i}" for i, one in enumerate(REFUSED)],
)
def test_an_error_of_a_callback_holds_the_piece(name: str, arguments: dict[str, Any], piece: str) -> None:
    import lightning.pytorch  # noqa: F401

    from leyden.errors import ConfigurationError

    with pytest.raises(ConfigurationError) as caught:
        _callback(name, **arguments)
    assert piece in str(caught.value)


def test_a_text_without_a_known_piece_stays_as_it_is() -> None:
    assert worded("something else", "errors") == "something else"


def test_a_note_of_the_timer_says_that_the_limit_is_reached() -> None:
    assert "Time limit reached." in worded("The time is up: 1 of 2 have passed.", "notes")


def test_manifests_stand_outside_the_folder_and_follow_it(tmp_path: Path) -> None:
    place = manifest_place(str(tmp_path))
    assert not place.startswith(str(tmp_path))
    assert manifest_place(os.fspath(tmp_path / "other")) != place
    assert manifest_place(str(tmp_path)) == place


@pytest.mark.usefixtures("installed")
def test_a_name_that_is_patched_is_replaced_where_it_is_used() -> None:
    from lightning.pytorch.callbacks import timer

    from leyden_callback_timer import clock

    before = clock.time
    with mock.patch.object(timer, "time") as fake:
        assert clock.time is fake
    assert clock.time is before
