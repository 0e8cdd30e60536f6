from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import shown
from leyden_callback_checkpoint import ModelCheckpoint

WRONG_TYPES: list[tuple[str, Any]] = [
    ("dirpath", 3),
    ("dirpath", b"bytes"),
    ("dirpath", ["a"]),
    ("filename", 3),
    ("filename", Path("x")),
    ("monitor", 3),
    ("monitor", ["val_loss"]),
    ("verbose", "yes"),
    ("verbose", None),
    ("save_last", 1),
    ("save_last", []),
    ("save_top_k", 1.5),
    ("save_top_k", "2"),
    ("save_top_k", True),
    ("save_top_k", None),
    ("save_on_exception", None),
    ("save_weights_only", 0),
    ("mode", None),
    ("mode", 1),
    ("auto_insert_metric_name", "no"),
    ("every_n_train_steps", True),
    ("every_n_train_steps", 2.0),
    ("every_n_epochs", False),
    ("every_n_epochs", "1"),
    ("train_time_interval", 60),
    ("train_time_interval", "00:01"),
    ("save_on_train_epoch_end", 1),
    ("enable_version_counter", None),
]
WRONG_VALUES: list[tuple[str, Any]] = [
    ("dirpath", ""),
    ("monitor", ""),
    ("save_last", "copy"),
    ("save_top_k", -2),
    ("mode", "maximum"),
    ("mode", "auto"),
    ("every_n_train_steps", -1),
    ("every_n_epochs", -3),
    ("train_time_interval", timedelta(seconds=-1)),
    ("filename", "{epoch"),
    ("filename", "epoch}"),
    ("filename", "{}"),
    ("filename", "{0}"),
    ("filename", "{loss:.2q}"),
    ("filename", "{loss!r}"),
    ("filename", "{loss:{width}}"),
    ("filename", "/absolute"),
    ("filename", "../outside"),
    ("filename", "a/../../outside"),
]


@pytest.mark.parametrize(("argument", "value"), WRONG_TYPES)
def test_wrong_types(argument: str, value: Any) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        ModelCheckpoint(**{argument: value})
    assert f"{argument}={shown(value)}" in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(("argument", "value"), WRONG_VALUES)
def test_wrong_values(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ModelCheckpoint(**{argument: value})
    assert f"{argument}={shown(value)}" in str(caught.value)
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"save_top_k": 2}, ["save_top_k=2", "monitor"]),
        ({"every_n_train_steps": 1, "every_n_epochs": 1}, ["every_n_train_steps=1", "every_n_epochs=1"]),
        (
            {"every_n_epochs": 1, "train_time_interval": timedelta(1)},
            ["every_n_epochs=1", "train_time_interval"],
        ),
        (
            {"every_n_train_steps": 1, "train_time_interval": timedelta(0)},
            ["every_n_train_steps", "train_time"],
        ),
        ({"save_last": "link", "dirpath": "s3://bucket/x"}, ["save_last='link'", "s3://bucket/x"]),
        ({"mode": "mim"}, ["Did you mean 'min'?"]),
    ],
)
def test_contradictions(arguments: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ModelCheckpoint(**arguments)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "below"):
        with pytest.raises(ConfigurationError, match=r"dirpath=.*is a file"):
            ModelCheckpoint(path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"every_n_train_steps": 2, "every_n_epochs": 0},
        {"every_n_train_steps": 0},
        {"train_time_interval": timedelta(0)},
        {"save_top_k": -1, "save_last": "link"},
        {"filename": "{{literal}}-{val/loss:.3f}-{epoch:02d}"},
        {"filename": ""},
        {"dirpath": "~/somewhere"},
        {"dirpath": "memory://somewhere"},
    ],
)
def test_what_is_possible(arguments: dict[str, Any]) -> None:
    assert ModelCheckpoint(**arguments).best_k_models == {}


def test_numpy_numbers_count_and_keep_the_state_key() -> None:
    numpy = pytest.importorskip("numpy")
    given = ModelCheckpoint(every_n_train_steps=numpy.int64(3), save_top_k=numpy.int32(1))
    assert given.state_key == ModelCheckpoint(every_n_train_steps=3).state_key


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert ModelCheckpoint("alias/x").dirpath == str((tmp_path / "real" / "x").resolve())
    assert ModelCheckpoint(f"file://{tmp_path}/real").dirpath == str((tmp_path / "real").resolve())
    assert ModelCheckpoint("s3://bucket/x").dirpath == "s3://bucket/x"


def test_metrics_that_do_not_fit_the_template(tmp_path: Path) -> None:
    callback = ModelCheckpoint(tmp_path, filename="{loss:d}")
    assert callback.format_checkpoint_name({"loss": 2}).endswith("loss=2.ckpt")
    with pytest.raises(ConfigurationError, match=r"filename='\{loss:d\}'.*loss is 0\.5"):
        callback.format_checkpoint_name({"loss": 0.5})


def test_literal_braces(tmp_path: Path) -> None:
    name = ModelCheckpoint(filename="{{a}}-{epoch}").format_checkpoint_name({"epoch": 1})
    assert name == "{a}-epoch=1.ckpt"
