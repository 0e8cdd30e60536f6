"""``save_hyperparameters``, ``hparams`` and ``load_from_checkpoint`` used wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from .case import Case, Control, Program
from .namespace import Namespace
from .tiny import datamodule, fit, loader, members, module, trainer

Save = Callable[[Any], None]


def configured_class(ns: Namespace, save: Save) -> type[Any]:
    """A tiny module with the arguments ``rate`` and ``width``, whose constructor ends in ``save(self)``."""

    class Configured(ns.LightningModule):  # type: ignore[name-defined]
        def __init__(self, rate: float = 0.1, width: int = 1) -> None:
            super().__init__()
            save(self)
            self.layer = torch.nn.Linear(2, width)

    for name, member in members(ns).items():
        if name != "__init__":
            setattr(Configured, name, member)
    return Configured


def _saving(save: Save) -> Program:
    """Build and fit a module that saves its hyperparameters in some way."""

    def program(ns: Namespace, folder: Path) -> None:
        def inside(self: Any) -> None:
            save(self)

        fit(ns, folder, configured_class(ns, inside)())

    return program


def _frame(self: Any) -> None:
    self.save_hyperparameters({"rate": 0.1, "width": 1})


def _reading(self: Any) -> None:
    _frame(self)
    self.seen = self.hparams.learning_rate


def _assigning(self: Any) -> None:
    self.hparams = 17


def _colliding(ns: Namespace, folder: Path) -> None:
    """A module and a datamodule that keep one name with two values."""
    data = datamodule(ns)
    data.save_hyperparameters({"rate": 0.5})
    model = module(ns)
    model.save_hyperparameters({"rate": 0.1})
    trainer(ns, folder, logger=ns.loggers.CSVLogger(str(folder))).fit(model, datamodule=data)


def _agreeing(ns: Namespace, folder: Path) -> None:
    data = datamodule(ns)
    data.save_hyperparameters({"rate": 0.1})
    model = module(ns)
    model.save_hyperparameters({"rate": 0.1})
    trainer(ns, folder, logger=ns.loggers.CSVLogger(str(folder))).fit(model, datamodule=data)


def _needy_class(ns: Namespace) -> type[Any]:
    def __init__(self: Any, width: int) -> None:
        ns.LightningModule.__init__(self)
        self.layer = torch.nn.Linear(2, width)

    return type("Needy", (type(module(ns)),), {"__init__": __init__})


def _wide_class(ns: Namespace) -> type[Any]:
    def __init__(self: Any) -> None:
        ns.LightningModule.__init__(self)
        self.layer = torch.nn.Linear(2, 5)

    return type("Wide", (type(module(ns)),), {"__init__": __init__})


def _deeper_class(ns: Namespace) -> type[Any]:
    def __init__(self: Any) -> None:
        ns.LightningModule.__init__(self)
        self.layer, self.head = torch.nn.Linear(2, 1), torch.nn.Linear(1, 1)

    return type("Deeper", (type(module(ns)),), {"__init__": __init__})


def _loading(load: Callable[[Namespace, Path], Any]) -> Program:
    """Save a tiny module and load the file in some way."""

    def program(ns: Namespace, folder: Path) -> None:
        path = folder / "saved.ckpt"
        fit(ns, folder).save_checkpoint(path)
        ns.witness.reset()
        load(ns, path)

    return program


def _missing(ns: Namespace, folder: Path) -> None:
    type(module(ns)).load_from_checkpoint(folder / "lost.ckpt")


def _detached(attribute: str) -> Program:
    """Ask a module for its Trainer when it has none."""

    def program(ns: Namespace, folder: Path) -> None:
        getattr(module(ns), attribute)

    return program


def _predicting(ns: Namespace, folder: Path) -> None:
    model = configured_class(ns, _frame)()
    trainer(ns, folder).predict(model, loader())


CASES = (
    Case(
        "hparams/unknown name",
        _saving(lambda self: self.save_hyperparameters("learning_rate")),
        ("save_hyperparameters", "learning_rate"),
    ),
    Case(
        "hparams/number", _saving(lambda self: self.save_hyperparameters(17)), ("save_hyperparameters", "17")
    ),
    Case(
        "hparams/list",
        _saving(lambda self: self.save_hyperparameters(["rate"])),
        ("save_hyperparameters",),
    ),
    Case(
        "hparams/ignore number", _saving(lambda self: self.save_hyperparameters(ignore=17)), ("ignore", "17")
    ),
    Case(
        "hparams/logger text",
        _saving(lambda self: self.save_hyperparameters({"rate": 0.1}, logger="no")),
        ("logger", "no"),
        why="any text is true, also 'no'",
    ),
    Case("hparams/read before saved", _saving(_reading), ("learning_rate",), raises=(AttributeError,)),
    Case("hparams/assigned", _saving(_assigning), ("hparams",), raises=(AttributeError,)),
    Case("hparams/two values of one name", _colliding, ("rate",)),
    Case("hparams/load from a missing file", _missing, ("lost.ckpt",)),
    Case(
        "hparams/load on an instance",
        _loading(lambda ns, path: module(ns).load_from_checkpoint(path)),
        ("load_from_checkpoint", "instance"),
    ),
    Case(
        "hparams/load without a required argument",
        _loading(lambda ns, path: _needy_class(ns).load_from_checkpoint(path)),
        ("width",),
    ),
    Case(
        "hparams/load other shapes",
        _loading(lambda ns, path: _wide_class(ns).load_from_checkpoint(path)),
        ("layer.weight",),
    ),
    Case(
        "hparams/load other parameters",
        _loading(lambda ns, path: _deeper_class(ns).load_from_checkpoint(path)),
        ("head.weight",),
    ),
    Case(
        "hparams/load with an unknown device",
        _loading(lambda ns, path: type(module(ns)).load_from_checkpoint(path, map_location="gpux")),
        ("map_location", "gpux"),
    ),
    Case(
        "hparams/load a number",
        lambda ns, folder: type(module(ns)).load_from_checkpoint(17),
        ("checkpoint_path", "17"),
    ),
    Case("hparams/trainer of a detached module", _detached("trainer"), ("Trainer",)),
)
CONTROLS = (
    Control("hparams/dict", _saving(_frame)),
    Control("hparams/none", _saving(lambda self: None)),
    Control("hparams/agreeing", _agreeing),
    Control("hparams/predict", _predicting),
    Control("hparams/load", _loading(lambda ns, path: type(module(ns)).load_from_checkpoint(path))),
    Control(
        "hparams/load not strict",
        _loading(lambda ns, path: _deeper_class(ns).load_from_checkpoint(path, strict=False)),
    ),
)
