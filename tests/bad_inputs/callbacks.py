"""Callbacks built with arguments that they cannot mean, and callbacks that are none."""

from __future__ import annotations

import logging as standard_logging
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from math import nan
from pathlib import Path
from typing import Any

import torch

from .case import Case, Control, Program, reason, shown
from .namespace import Namespace
from .tiny import counted, fit, module

_BASE = ("ModelCheckpoint", "EarlyStopping", "ModelSummary")


def _built(name: str, arguments: Mapping[str, Any]) -> Program:
    """Build a callback and fit with it."""

    def program(ns: Namespace, folder: Path) -> None:
        callback = getattr(ns.callbacks, name)(**arguments)
        ns.witness.built = True
        fit(
            ns,
            folder,
            logging_module(ns),
            callbacks=[callback],
            enable_checkpointing=True,
            enable_progress_bar=True,
            enable_model_summary=True,
        )

    return program


def logging_module(ns: Namespace) -> Any:
    """A module that logs ``loss`` in training and ``val_loss`` in validation."""

    def train(self: Any, batch: Any) -> torch.Tensor:
        loss = self.layer(batch[0]).pow(2).mean()
        self.log("loss", loss)
        return loss

    def validate(self: Any, batch: Any) -> None:
        self.log("val_loss", self.layer(batch[0]).pow(2).mean())

    steps = {"training_step": train, "validation_step": validate}
    return module(ns, **{name: counted(ns, name, body) for name, body in steps.items()})


Table = Mapping[str, Mapping[str, Any]]
_COUNT = {"negative": -7, "fraction": 2.75, "word": "many", "bool": True}
_FLAG = {"text": "no"}
_THRESHOLD = {"word": "low", "nan": nan}

CHECKPOINT: Table = {
    "save_top_k": _COUNT,
    "every_n_train_steps": _COUNT,
    "every_n_epochs": _COUNT,
    "train_time_interval": {"number": 17, "word": "00:10", "negative": timedelta(seconds=-7)},
    "mode": {"unknown": "maximum", "none": None},
    "monitor": {"number": 17, "list": ["loss"], "empty": ""},
    "save_last": {"text": "yes", "plural": "links", "number": 17},
    "filename": {"number": 17, "list": ["best"], "open brace": "best-{epoch"},
    "dirpath": {"number": 17, "list": ["best"]},
    "save_weights_only": _FLAG,
    "save_on_train_epoch_end": _FLAG,
}
STOPPING: Table = {
    "monitor": {"none": None, "number": 17, "empty": "", "list": ["loss"]},
    "patience": _COUNT,
    "min_delta": _THRESHOLD,
    "mode": {"unknown": "maximum", "none": None},
    "stopping_threshold": _THRESHOLD,
    "divergence_threshold": _THRESHOLD,
    "strict": _FLAG,
    "check_finite": _FLAG,
}
OTHERS: Mapping[str, tuple[Mapping[str, Any], Table]] = {
    "ModelSummary": ({}, {"max_depth": _COUNT}),
    "TQDMProgressBar": (
        {},
        {
            "refresh_rate": {"negative": -7, "word": "often"},
            "process_position": {"word": "top"},
            "leave": _FLAG,
        },
    ),
    "RichProgressBar": (
        {},
        {"refresh_rate": {"negative": -7, "word": "often"}, "leave": _FLAG, "theme": {"word": "dark"}},
    ),
    "LearningRateMonitor": ({}, {"logging_interval": {"unknown": "batch", "number": 17}}),
    "Timer": (
        {"duration": "00:00:10:00"},
        {"duration": {"word": "soon", "half a text": "1:00", "number": 17}, "interval": {"unknown": "batch"}},
    ),
    "GradientAccumulationScheduler": (
        {},
        {
            "scheduling": {
                "empty": {},
                "negative epoch": {-7: 2},
                "number": 17,
            }
        },
    ),
    "StochasticWeightAveraging": (
        {"swa_lrs": 0.1},
        {
            "swa_lrs": {"negative": -7.5, "none": None},
            "swa_epoch_start": {"more than all": 2.75, "word": "late"},
            "annealing_epochs": {"negative": -7},
            "annealing_strategy": {"unknown": "cosine"},
        },
    ),
}
_WHY = {
    ("ModelCheckpoint", "save_last"): "anything that is true counts as True",
    ("ModelCheckpoint", "monitor"): "the metric is looked up at the first save, long after",
    ("ModelCheckpoint", "filename"): "the checkpoint gets a name that no pattern fills",
    (
        "ModelCheckpoint",
        "train_time_interval",
    ): "an interval that is over before it began: saved after every batch",
    ("EarlyStopping", "monitor"): "the metric is looked up at the first check, long after",
    ("EarlyStopping", "patience"): "the patience is used up before the first check, or counted in fractions",
    ("TQDMProgressBar", "refresh_rate"): "the bar is switched off or drawn at odd batches",
    ("RichProgressBar", "refresh_rate"): "the bar is switched off or drawn at odd batches",
}


def _table(name: str, good: Mapping[str, Any], table: Table) -> Iterator[Case]:
    for argument, values in table.items():
        for label, value in values.items():
            yield Case(
                f"callback/{name}.{argument}/{label}",
                _built(name, {**good, argument: value}),
                (argument, *_texts(value)),
                "construction",
                why=_WHY.get((name, argument)) or reason(label),
                needs=() if name in _BASE else (f"callbacks.{name}",),
            )


def _texts(value: Any) -> tuple[str, ...]:
    return () if isinstance(value, timedelta) else shown(value)


def _tables() -> Iterator[Case]:
    yield from _table("ModelCheckpoint", {}, CHECKPOINT)
    yield from _table("EarlyStopping", {"monitor": "loss"}, STOPPING)
    for name, (good, table) in OTHERS.items():
        yield from _table(name, good, table)


_EXCLUSIVE: Mapping[str, Any] = {
    "every_n_train_steps": 5,
    "every_n_epochs": 5,
    "train_time_interval": timedelta(minutes=5),
}


def _exclusive() -> Iterator[Case]:
    for left, right in (
        ("every_n_train_steps", "every_n_epochs"),
        ("every_n_train_steps", "train_time_interval"),
        ("every_n_epochs", "train_time_interval"),
    ):
        arguments = {left: _EXCLUSIVE[left], right: _EXCLUSIVE[right]}
        yield Case(
            f"callback/ModelCheckpoint/{left} and {right}",
            _built("ModelCheckpoint", arguments),
            (left, right),
            "construction",
        )


def _given(make: Callable[[Namespace], Any]) -> Program:
    """Give something to the Trainer as a callback."""

    def program(ns: Namespace, folder: Path) -> None:
        fit(ns, folder, callbacks=[make(ns)])

    return program


_NO_CALLBACKS: Mapping[str, tuple[Callable[[Namespace], Any], str]] = {
    "class": (lambda ns: ns.callbacks.EarlyStopping, "EarlyStopping"),
    "module": (lambda ns: module(ns), "Tiny"),
    "datamodule": (lambda ns: ns.LightningDataModule(), "LightningDataModule"),
    "nested list": (lambda ns: [ns.callbacks.Callback()], "list"),
    "logger": (lambda ns: standard_logging.getLogger("leyden"), "Logger"),
}


def _no_callbacks() -> Iterator[Case]:
    for label, (make, name) in _NO_CALLBACKS.items():
        yield Case(f"callback/none/{label}", _given(make), ("callbacks", name), "construction")


def _monitoring(name: str, **arguments: Any) -> Program:
    """Fit a module that logs ``loss`` and ``val_loss`` with a callback that monitors another name."""
    return _built(name, arguments)


def _directory_is_a_file(ns: Namespace, folder: Path) -> None:
    taken = folder / "taken"
    taken.write_text("a file")
    _built("ModelCheckpoint", {"dirpath": str(taken)})(ns, folder)


def _backbone(ns: Namespace, folder: Path) -> None:
    fit(ns, folder, callbacks=[ns.callbacks.BackboneFinetuning()])


CASES = (
    *_tables(),
    *_exclusive(),
    *_no_callbacks(),
    Case(
        "callback/ModelCheckpoint/several of nothing",
        _built("ModelCheckpoint", {"save_top_k": 3}),
        ("save_top_k", "monitor", "3"),
        "construction",
    ),
    Case("callback/ModelCheckpoint/dirpath is a file", _directory_is_a_file, ("dirpath", "taken")),
    Case(
        "callback/ModelCheckpoint/monitor never logged",
        _monitoring("ModelCheckpoint", monitor="val_los"),
        ("monitor", "val_los", "val_loss"),
        "at_step",
    ),
    Case(
        "callback/EarlyStopping/monitor never logged",
        _monitoring("EarlyStopping", monitor="val_los"),
        ("EarlyStopping", "val_los", "val_loss"),
        "at_step",
    ),
    Case(
        "callback/LambdaCallback/unknown hook",
        _built("LambdaCallback", {"on_train_batch_ends": print}),
        ("on_train_batch_ends",),
        "construction",
        raises=(TypeError,),
        needs=("callbacks.LambdaCallback",),
    ),
    Case(
        "callback/LambdaCallback/not callable",
        _built("LambdaCallback", {"on_train_batch_end": 17}),
        ("on_train_batch_end", "17"),
        "construction",
        why="it is called at the end of the first batch, and then it is too late",
        needs=("callbacks.LambdaCallback",),
    ),
    Case(
        "callback/BasePredictionWriter/write_interval",
        _built("BasePredictionWriter", {"write_interval": "step"}),
        ("write_interval", "step"),
        "construction",
        needs=("callbacks.BasePredictionWriter",),
    ),
    Case(
        "callback/BackboneFinetuning/no backbone",
        _backbone,
        ("backbone",),
        needs=("callbacks.BackboneFinetuning",),
    ),
)
CONTROLS = (
    Control(
        "callback/ModelCheckpoint",
        _built(
            "ModelCheckpoint",
            {"monitor": "val_loss", "save_top_k": -1, "mode": "max", "filename": "{epoch}-{loss}"},
        ),
    ),
    Control(
        "callback/ModelCheckpoint link", _built("ModelCheckpoint", {"save_last": "link", "every_n_epochs": 1})
    ),
    Control(
        "callback/EarlyStopping",
        _built(
            "EarlyStopping", {"monitor": "loss", "patience": 0, "stopping_threshold": 0.1, "min_delta": 0}
        ),
    ),
    Control("callback/ModelSummary", _built("ModelSummary", {"max_depth": -1})),
    Control("callback/Callback", _given(lambda ns: ns.callbacks.Callback())),
    Control("callback/Timer", _built("Timer", {"duration": "00:00:10:00"}), needs=("callbacks.Timer",)),
)
