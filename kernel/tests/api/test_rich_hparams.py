"""Hyper-parameters that are objects: saved as data, made again of classes that the program names."""

from __future__ import annotations

import datetime
import enum
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest
import torch
from kernel.tests.api.tiny import Linear, quiet

import leyden
from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Inner:
    path: Path
    color: Color = Color.RED


@dataclass
class Config:
    inner: Inner
    rates: list[float] = field(default_factory=lambda: [0.1])


class Pair(NamedTuple):
    a: int
    b: str


class Child(leyden.LightningModule):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)


class Rich(Linear):
    def __init__(
        self,
        color: Color = Color.RED,
        config: Config | None = None,
        act: Callable[..., Any] = torch.relu,
        kind: type = torch.nn.ReLU,
        pair: Pair | None = None,
        child: Child | None = None,
        array: Any = None,
        space: Any = None,
        wait: Any = None,
        many: Any = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.child = child


VALUES: dict[str, Any] = {
    "color": Color.BLUE,
    "config": Config(Inner(Path("data"), Color.BLUE), [0.5]),
    "act": torch.relu,
    "kind": torch.nn.ReLU,
    "pair": Pair(1, "x"),
    "space": Namespace(a=1, color=Color.BLUE),
    "wait": datetime.timedelta(hours=1),
    "many": {"colors": [Color.RED, (Color.BLUE, 3)]},
}


def saved(path: Path, module: Any, **options: Any) -> dict[str, Any]:
    trainer = quiet(max_epochs=1)
    trainer.strategy.module = module
    trainer.save_checkpoint(path, **options)
    found: dict[str, Any] = torch.load(path, weights_only=True)
    return found


@pytest.mark.parametrize("weights_only", [True, False])
def test_objects_come_back(weights_only: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    saved(path, Rich(**VALUES, child=Child(5), array=numpy.arange(3)), weights_only=weights_only)
    loaded = Rich.load_from_checkpoint(path)
    assert {key: loaded.hparams[key] for key in VALUES} == VALUES
    assert loaded.hparams["array"].tolist() == [0, 1, 2]
    assert loaded.child is not None and loaded.child.layer.in_features == 5


def test_what_plain_data_can_hold_stands_where_lightning_looks(tmp_path: Path) -> None:
    found = saved(tmp_path / "a.ckpt", Rich(**VALUES))["hyper_parameters"]
    assert (found["color"], found["pair"]) == (2, [1, "x"])
    assert "config" not in found


class Unannotated(Linear):
    def __init__(self, color: Any = None, config: Any = None) -> None:
        super().__init__()
        self.save_hyperparameters()


class Needing(Linear):
    def __init__(self, config) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.save_hyperparameters()


def test_classes_that_the_program_does_not_name_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    saved(path, Unannotated(color=Color.BLUE, config=Config(Inner(Path("x")))))
    with pytest.warns(LeydenWarning, match=rf"\[hparams-unknown\].*color \({__name__}.Color\), config"):
        loaded = Unannotated.load_from_checkpoint(path)
    assert (loaded.hparams["color"], loaded.hparams["config"]) == (2, None)
    saved(path, Needing(config=Config(Inner(Path("x")))))
    with pytest.raises(ConfigurationError, match=rf"config \({__name__}\.Config\).*add_safe_globals"):
        Needing.load_from_checkpoint(path)
    assert Needing.load_from_checkpoint(path, config=3).hparams["config"] == 3
    with torch.serialization.safe_globals([Config, Inner, Color]):
        assert Needing.load_from_checkpoint(path).hparams["config"] == Config(Inner(Path("x")))


def test_a_files_word_imports_nothing_and_calls_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    content = saved(path, Unannotated())
    trap = {"class_path": "pathlib.Path.touch", "init_args": [str(tmp_path / "trap")]}
    traps = [trap, {"class_path": "os.mkdir", "init_args": ["trap"]}, {"object": "wave.Error"}]
    sys.modules.pop("wave", None)
    for one in traps:
        content["leyden_hyper_parameters"] = {"hyper_parameters": {"color": one}}
        torch.save(content, path)
        with pytest.warns(LeydenWarning, match=r"\[hparams-unknown\]"):
            Unannotated.load_from_checkpoint(path)
    assert not (tmp_path / "trap").exists() and "wave" not in sys.modules


def test_what_cannot_be_described_is_left_out_as_before(tmp_path: Path) -> None:
    with pytest.warns(LeydenWarning, match=r"\[hparams-dropped\].*color \(function\), config \(Linear\)"):
        found = saved(tmp_path / "a.ckpt", Unannotated(color=lambda: 1, config=torch.nn.Linear(1, 1)))
    assert found["hyper_parameters"] == {}
