"""Loggers: where metrics and hyper-parameters go."""

from __future__ import annotations

import numbers
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leyden.api.record import Record
from leyden.plugins.errors import ArgumentTypeError

if TYPE_CHECKING:
    from argparse import Namespace

    from torch import Tensor

    from leyden.api.callback import Checkpoint
    from leyden.api.module import LightningModule


class Logger(ABC):
    """Base of all loggers. The run calls a logger on rank zero alone."""

    group_separator: str = "/"

    @property
    @abstractmethod
    def name(self) -> str | None:
        """The experiment's name."""

    @property
    @abstractmethod
    def version(self) -> int | str | None:
        """The run's version within the experiment."""

    @property
    def save_dir(self) -> str | None:
        """The folder under which the logger writes, ``None`` when it writes no files."""
        return None

    @property
    def root_dir(self) -> str | None:
        """The folder of all versions of the experiment."""
        return None

    @property
    def log_dir(self) -> str | None:
        """The folder of this run."""
        return None

    @property
    def experiment(self) -> Any:
        """The backend's own object."""
        return None

    @abstractmethod
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Write metrics.

        Args:
            metrics: plain numbers by name; ``epoch`` is among them.
            step: the x-axis.
        """

    @abstractmethod
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Write hyper-parameters."""

    def log_record(self, record: Record) -> None:
        """Write a record.

        The default hands it to :meth:`log_metrics` and calls :meth:`save`, which loggers written for Lightning rely on.
        Override it to choose x-axes, or to write out less often: ``record.axes`` has the positions of metrics that were
        logged with ``axis=…``, ``record.axis_names`` says of what.
        """
        epoch = {"epoch": record.epoch} if record.with_epoch else {}
        shared = {name: value for name, value in record.metrics.items() if name not in record.axes}
        if shared:
            self.log_metrics(metrics={**epoch, **shared}, step=record.step)
        for name, step in record.axes.items():
            self.log_metrics(metrics={**epoch, name: record.metrics[name]}, step=step)
        self.save()

    def log_graph(self, model: LightningModule, input_array: Tensor | None = None) -> None:
        """Write the module's graph, where the backend shows one."""

    def save(self) -> None:
        """Write out what is buffered."""

    def finalize(self, status: str) -> None:
        """The run is over: ``"success"`` or ``"failed"``. Flush and close."""
        self.save()

    def after_save_checkpoint(self, checkpoint_callback: Checkpoint) -> None:
        """A checkpoint callback has saved; the backend may take a copy."""

    def start(self) -> None:
        """The run begins: make folders and connections, so that a wrong one fails before training."""
        self.experiment  # noqa: B018


def new_checkpoints(callback: Checkpoint, seen: dict[str, float]) -> list[tuple[str, Any, list[str]]]:
    """The files that a checkpoint callback keeps and that are new or newer than when this was asked before.

    Args:
        callback: the checkpoint callback.
        seen: when the files that were returned had been written, by path; brought up to date.

    Returns:
        Path, score and aliases (``latest``, and ``best`` for the best) of each, the oldest first.
    """
    best: str = getattr(callback, "best_model_path", "")
    scores = {getattr(callback, "last_model_path", ""): getattr(callback, "current_score", None)}
    scores |= {best: getattr(callback, "best_model_score", None), **getattr(callback, "best_k_models", {})}
    written = {path: os.stat(path).st_mtime for path in scores if path and os.path.isfile(path)}
    fresh = sorted((time, path) for path, time in written.items() if seen.get(path, -1.0) < time)
    seen.update((path, time) for time, path in fresh)
    return [(path, scores[path], ["latest", "best"] if path == best else ["latest"]) for _, path in fresh]


def flatten(params: Mapping[str, Any], separator: str = "/") -> dict[str, Any]:
    """Flatten nested hyper-parameters: ``{"a": {"b": 1}}`` becomes ``{"a/b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, dict):
            flat.update({f"{key}{separator}{inner}": one for inner, one in flatten(value, separator).items()})
        else:
            flat[str(key)] = value
    return flat


def scalars_only(params: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters as a backend's table can hold them: numbers, strings and booleans; the rest as text."""
    return {
        key: one if isinstance(one, bool | int | float | str) else str(one) for key, one in params.items()
    }


def add_prefix(metrics: dict[str, float], prefix: str, separator: str) -> dict[str, float]:
    """Metrics with ``prefix`` and a separator before each name; unchanged when the prefix is empty."""
    return {f"{prefix}{separator}{name}": one for name, one in metrics.items()} if prefix else metrics


def as_mapping(params: dict[str, Any] | Namespace | None) -> dict[str, Any]:
    """Hyper-parameters as a dict.

    Raises:
        leyden.errors.ArgumentTypeError: they are neither a mapping nor a Namespace.
    """
    if params is None:
        return {}
    if isinstance(params, Mapping):
        return dict(params)
    if hasattr(params, "__dict__"):
        return dict(vars(params))
    raise ArgumentTypeError.about("log_hyperparams(params)", params, "a dict or a Namespace")


def check_metrics(metrics: Any, step: Any) -> None:
    """Refuse what ``log_metrics`` cannot take.

    Raises:
        leyden.errors.ArgumentTypeError: the metrics are no mapping, or the step is no number.
    """
    if not isinstance(metrics, Mapping):
        allowed = f"a dict of numbers by name, not a {type(metrics).__name__}"
        raise ArgumentTypeError.about("log_metrics(metrics)", metrics, allowed)
    if step is not None and (isinstance(step, bool) or not isinstance(step, numbers.Integral)):
        raise ArgumentTypeError.about("log_metrics(step)", step, "an int or None")


class NoLogger(Logger):
    """Takes everything and writes nothing; stands in under ``fast_dev_run``, so that calls to a logger still work."""

    @property
    def name(self) -> str:
        """Empty."""
        return ""

    @property
    def version(self) -> str:
        """Empty."""
        return ""

    @property
    def experiment(self) -> Any:
        """An object whose every method does nothing."""
        return _NoExperiment()

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Nothing."""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class _NoExperiment:
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None
