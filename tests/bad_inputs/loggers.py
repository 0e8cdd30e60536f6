"""Loggers built with arguments that they cannot mean, fed what is no metric, and loggers that are none."""

from __future__ import annotations

import io
import logging as standard_logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .callbacks import logging_module
from .case import Case, Control, Program, reason, shown
from .namespace import Namespace
from .tiny import fit

_TENSORBOARD = ("loggers.TensorBoardLogger",)


def _built(name: str, arguments: Mapping[str, Any]) -> Program:
    """Build a logger in the folder, and fit with it."""

    def program(ns: Namespace, folder: Path) -> None:
        logger = getattr(ns.loggers, name)(**{"save_dir": str(folder), **arguments})
        ns.witness.built = True
        fit(ns, folder, logging_module(ns), logger=logger, log_every_n_steps=1)

    return program


_NUMBER = {"number": 17}
CSV: Mapping[str, Mapping[str, Any]] = {
    "save_dir": {"number": 17, "list": ["logs"], "none": None},
    "name": _NUMBER,
    "version": {"list": ["first"], "fraction": 2.75},
    "prefix": _NUMBER,
    "flush_logs_every_n_steps": {"zero": 0, "negative": -7, "word": "often", "fraction": 2.75},
}
TENSORBOARD: Mapping[str, Mapping[str, Any]] = {
    "save_dir": {"number": 17, "none": None},
    "version": {"list": ["first"]},
    "sub_dir": {"number": 17},
    "log_graph": {"text": "no"},
    "default_hp_metric": {"text": "no"},
    "max_queues": {"misspelled keyword": 17},
}
_WHY = {
    "flush_logs_every_n_steps": "nobody can tell when it flushes",
    "name": "the number becomes a folder name",
    "prefix": "the number becomes part of every name",
    "version": "the folder is named after the text of a list or a fraction",
    "sub_dir": "the number becomes a folder name",
    "max_queues": "it is handed on, and fails when the first metric is written",
}


def _tables() -> Iterator[Case]:
    for name, table in (("CSVLogger", CSV), ("TensorBoardLogger", TENSORBOARD)):
        for argument, values in table.items():
            for label, value in values.items():
                yield Case(
                    f"logger/{name}.{argument}/{label}",
                    _built(name, {argument: value}),
                    (argument, *(() if argument == "max_queues" else shown(value))),
                    "construction",
                    why=_WHY.get(argument) or reason(label),
                    needs=() if name == "CSVLogger" else _TENSORBOARD,
                )


def _given(make: Callable[[Namespace, Path], Any]) -> Program:
    """Give something to the Trainer as a logger."""

    def program(ns: Namespace, folder: Path) -> None:
        fit(ns, folder, logger=make(ns, folder))

    return program


_NO_LOGGERS: Mapping[str, tuple[Callable[[Namespace, Path], Any], str]] = {
    "class": (lambda ns, folder: ns.loggers.CSVLogger, "CSVLogger"),
    "Python's logger": (lambda ns, folder: standard_logging.getLogger("leyden"), "Logger"),
    "nested list": (lambda ns, folder: [[ns.loggers.CSVLogger(str(folder))]], "CSVLogger"),
    "callback": (lambda ns, folder: ns.callbacks.Callback(), "Callback"),
    "stream": (lambda ns, folder: [io.StringIO()], "StringIO"),
}


def _no_loggers() -> Iterator[Case]:
    for label, (make, name) in _NO_LOGGERS.items():
        yield Case(f"logger/none/{label}", _given(make), ("logger", name), "construction")


def _called(body: Callable[[Any], None]) -> Program:
    """Call a logger directly."""

    def program(ns: Namespace, folder: Path) -> None:
        body(ns.loggers.CSVLogger(str(folder)))

    return program


def _log_and_save(metrics: Any, step: Any = 1) -> Callable[[Any], None]:
    def body(logger: Any) -> None:
        logger.log_metrics(metrics, step)
        logger.save()

    return body


def _directory_is_a_file(ns: Namespace, folder: Path) -> None:
    taken = folder / "taken"
    taken.write_text("a file")
    _built("CSVLogger", {"save_dir": str(taken)})(ns, folder)


CASES = (
    *_tables(),
    *_no_loggers(),
    Case("logger/CSVLogger/save_dir is a file", _directory_is_a_file, ("save_dir", "taken")),
    Case("logger/CSVLogger.log_metrics/number", _called(_log_and_save(17)), ("metrics", "17")),
    Case("logger/CSVLogger.log_metrics/list", _called(_log_and_save([("loss", 1.0)])), ("metrics", "list")),
    Case(
        "logger/CSVLogger.log_metrics/vector",
        _called(_log_and_save({"loss": torch.ones(3)})),
        ("metrics", "loss"),
    ),
    Case(
        "logger/CSVLogger.log_metrics/text step",
        _called(_log_and_save({"loss": 1.0}, "first")),
        ("step", "first"),
        why="the step column holds text",
    ),
    Case(
        "logger/CSVLogger.log_hyperparams/number",
        _called(lambda logger: logger.log_hyperparams(17)),
        ("params", "17"),
    ),
)
CONTROLS = (
    Control(
        "logger/CSVLogger", _built("CSVLogger", {"name": "runs", "version": 3, "flush_logs_every_n_steps": 1})
    ),
    Control(
        "logger/CSVLogger version", _built("CSVLogger", {"name": "", "version": "first", "prefix": "my"})
    ),
    Control("logger/CSVLogger direct", _called(_log_and_save({"loss": 1.0}))),
    Control(
        "logger/TensorBoardLogger", _built("TensorBoardLogger", {"name": None, "max_queue": 5}), _TENSORBOARD
    ),
    Control("logger/list", _given(lambda ns, folder: [ns.loggers.CSVLogger(str(folder))])),
)
