"""``hparams.yaml``, as the CSV and TensorBoard loggers share it."""

from __future__ import annotations

import datetime
import enum
import functools
from argparse import Namespace
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from leyden.api.hparams_file import LARGEST, plain, read_hparams, write_hparams
from leyden.errors import ConfigurationError


class Colour(enum.Enum):
    RED = 1


class Word(str):
    pass


@dataclass
class Size:
    width: int
    shape: tuple[int, ...]


class Thing:
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Word("text"), "text"),
        (float("inf"), float("inf")),
        ((1, (2, 3)), [1, [2, 3]]),
        ({3, 1, 2}, [1, 2, 3]),
        (deque([1]), [1]),
        (OrderedDict(b=1, a=Namespace(c=2)), {"b": 1, "a": {"c": 2}}),
        ({1: "a", (2, 3): "b", None: "c"}, {1: "a", "(2, 3)": "b", None: "c"}),
        (Size(3, (1, 2)), {"width": 3, "shape": [1, 2]}),
        (Colour.RED, "RED"),
        (Path("a") / "b", str(Path("a/b"))),
        (datetime.timedelta(hours=1), "1:00:00"),
        (datetime.date(2024, 5, 6), "2024-05-06"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([[1, 2]]), [[1, 2]]),
        (torch.tensor(0.25), 0.25),
        (torch.Size([2, 3]), [2, 3]),
        (torch.float16, "torch.float16"),
        (torch.zeros(LARGEST + 1), f"Tensor of shape ({LARGEST + 1},) and type torch.float32"),
        (torch.zeros(2, device="meta"), "Tensor of shape (2,) and type torch.float32"),
        (torch.nn.ReLU(), "ReLU()"),
        (torch.nn.ReLU, "torch.nn.modules.activation.ReLU"),
        (functools.reduce, "_functools.reduce"),
        (len, "builtins.len"),
        (b"raw", "b'raw'"),
        (range(10**9), "range(0, 1000000000)"),
        (Thing(), f"{__name__}.Thing object"),
        ("\udc80", "\\udc80"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rich_values_become_plain_and_survive_the_file(tmp_path: Path, value: Any, expected: Any) -> None:
    assert plain(value) == expected
    write_hparams(tmp_path / "hparams.yaml", {"value": value})
    text = (tmp_path / "hparams.yaml").read_text(encoding="utf-8")
    assert "!!" not in text
    assert read_hparams(tmp_path / "hparams.yaml") == yaml.safe_load(text) == {"value": expected}


def test_what_contains_itself_ends() -> None:
    ring: list[Any] = [1]
    ring.append({"ring": ring})
    shared = [0]
    assert plain(ring) == [1, {"ring": "<contains itself>"}]
    assert plain([shared, shared]) == [[0], [0]]


def test_order_and_letters_stay(tmp_path: Path) -> None:
    write_hparams(tmp_path / "hparams.yaml", Namespace(z=1, a="naïve ☃"))
    assert (tmp_path / "hparams.yaml").read_text(encoding="utf-8") == "z: 1\na: naïve ☃\n"


def test_the_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hparams(tmp_path / "hparams.yaml", {"a": 1})

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("leyden.api.hparams_file.os.replace", refuse)
        with pytest.raises(OSError, match="No space"):
            write_hparams(tmp_path / "hparams.yaml", {"a": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["hparams.yaml"]
    assert read_hparams(tmp_path / "hparams.yaml") == {"a": 1}


@pytest.mark.parametrize("text", ["!!python/object/apply:os.getcwd []", "[1, 2]", "a: [", None])
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "hparams.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"^hparams_file=.*mapping of plain values"):
        read_hparams(tmp_path / "hparams.yaml")


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "hparams.yaml").touch()
    assert read_hparams(tmp_path / "hparams.yaml") == {}
