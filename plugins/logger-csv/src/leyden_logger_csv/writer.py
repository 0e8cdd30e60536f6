"""The experiment of a CSV logger: what stands in one run's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leyden.api.hparams_file import FILE_NAME, write_hparams
from leyden.api.logger import flatten
from leyden.errors import ArgumentTypeError
from leyden_logger_csv.metrics_file import MetricsFile


class ExperimentWriter:
    """Writes ``metrics.csv`` and ``hparams.yaml``.

    Args:
        log_dir: the run's folder; created where it is missing.

    Attributes:
        log_dir: the run's folder.
        metrics: the rows that are not written yet.
        hparams: the hyper-parameters logged so far.
        metrics_file_path: the CSV file.
    """

    NAME_METRICS_FILE = "metrics.csv"
    NAME_HPARAMS_FILE = FILE_NAME

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        folder = Path(log_dir).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        self.log_dir = str(folder)
        self.metrics: list[dict[str, Any]] = []
        self.hparams: dict[str, Any] = {}
        self._file = MetricsFile(folder / self.NAME_METRICS_FILE)
        self._next_step = 0

    @property
    def metrics_file_path(self) -> str:
        """The CSV file's path."""
        return str(self._file.path)

    @property
    def metrics_keys(self) -> list[str]:
        """The columns of the CSV file."""
        return list(self._file.columns)

    def log_metrics(self, metrics_dict: Mapping[str, Any], step: int | None = None) -> int:
        """Take one row.

        Args:
            metrics_dict: numbers, texts or one-element tensors by column; a dict among them becomes columns
                ``outer/inner``.
            step: the x-axis; one more than the last row's when ``None``.

        Returns:
            The row's step.
        """
        step = self._next_step if step is None else step
        row = {name: _scalar(name, value) for name, value in flatten(metrics_dict).items()}
        self.metrics.append({**row, "step": step})
        self._next_step = step + 1
        return step

    def log_hparams(self, params: Mapping[str, Any]) -> None:
        """Add hyper-parameters and write ``hparams.yaml``."""
        self.hparams.update(params)
        write_hparams(Path(self.log_dir, self.NAME_HPARAMS_FILE), self.hparams)

    def save(self) -> None:
        """Write the rows that are not written yet."""
        if self.metrics:
            self._file.append(self.metrics)
            self.metrics = []


def _scalar(name: str, value: Any) -> Any:
    if not hasattr(value, "item"):
        return value
    try:
        return value.item()
    except (RuntimeError, ValueError) as error:
        allowed = "a number or a tensor of one element"
        raise ArgumentTypeError.about(
            f"metrics[{name!r}]", value, allowed, "Log its mean, or each element."
        ) from error


class DiscardingWriter(ExperimentWriter):
    """What ranks other than zero get: it takes everything and writes nothing."""

    def __init__(self) -> None:
        self.log_dir = ""
        self.metrics, self.hparams = [], {}
        self._next_step = 0

    @property
    def metrics_file_path(self) -> str:
        """Empty: there is no file."""
        return ""

    @property
    def metrics_keys(self) -> list[str]:
        """Empty: there is no file."""
        return []

    def log_metrics(self, metrics_dict: Mapping[str, Any], step: int | None = None) -> int:
        """Drop one row."""
        return 0 if step is None else step

    def log_hparams(self, params: Mapping[str, Any]) -> None:
        """Drop hyper-parameters."""


def save_remains(writer: ExperimentWriter, pid: int) -> None:
    """Write the rows of a logger that nobody finalized; a forked process leaves its parent's rows alone."""
    if os.getpid() == pid and os.path.isdir(writer.log_dir):
        writer.save()
