"""The logger that writes CSV files."""

from __future__ import annotations

import os
import weakref
from argparse import Namespace
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from leyden.api.logger import add_prefix, as_mapping, check_metrics
from leyden.api.rank_zero import rank, rank_zero_only
from leyden.api.record import Record
from leyden.api.version_dir import VersionDir
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.loggers import Logger
from leyden_logger_csv.writer import DiscardingWriter, ExperimentWriter, save_remains


class CSVLogger(Logger):
    """Writes ``<save_dir>/<name>/version_<n>/metrics.csv`` and ``hparams.yaml`` beside it.

    Args:
        save_dir: the folder of all experiments.
        name: the experiment's folder below it; ``None`` or ``""`` for none.
        version: the run's number or folder name; when ``None`` the next free number, claimed atomically. A
            version that exists is continued: its rows stay, new ones follow.
        prefix: put before the name of every metric, with a ``-`` between.
        flush_logs_every_n_steps: rows stay in memory until the step goes past a multiple of this number.
        batch_and_phase: give every row of a run the columns ``epoch``, ``batch`` (training batches done so far)
            and ``phase`` (``train``, ``validate``, ``test``).

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be; nothing was created.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        save_dir: str | os.PathLike[str],
        name: str | None = "lightning_logs",
        version: int | str | None = None,
        prefix: str = "",
        flush_logs_every_n_steps: int = 100,
        batch_and_phase: bool = False,
    ) -> None:
        self._dir = VersionDir(save_dir, name, version)
        if not isinstance(prefix, str):
            raise ArgumentTypeError.about("prefix", prefix, "a string")
        self._prefix = prefix
        self._flush_every = _positive("flush_logs_every_n_steps", flush_logs_every_n_steps)
        self._batch_and_phase = bool(batch_and_phase)
        self._flushed_blocks = 0
        self._experiment: ExperimentWriter | None = None

    @property
    def name(self) -> str:
        """The experiment's name; empty when it has none."""
        return self._dir.name

    @property
    def version(self) -> int | str:
        """The run's version; reading it claims one where none was given."""
        return self._dir.version

    @property
    def save_dir(self) -> str:
        """The folder of all experiments, as given."""
        return self._dir.save_dir

    @property
    def root_dir(self) -> str:
        """The folder of all versions of the experiment."""
        return str(self._dir.root)

    @property
    def log_dir(self) -> str:
        """The folder of this run."""
        return str(self._dir.path)

    @property
    def experiment(self) -> ExperimentWriter:
        """The writer of this run's files, created when first asked for; ranks other than zero discard."""
        if self._experiment is None:
            self._experiment = DiscardingWriter() if rank() else ExperimentWriter(self._dir.make())
            # Rows of a logger that nobody finalizes are written when it goes, or when the interpreter exits.
            weakref.finalize(self, save_remains, self._experiment, os.getpid())
        return self._experiment

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        check_metrics(metrics, step)
        step = self.experiment.log_metrics(
            add_prefix(dict(metrics), self._prefix, self.LOGGER_JOIN_CHAR), step
        )
        blocks, rest = divmod(step + 1, self._flush_every)
        if blocks != self._flushed_blocks or rest == 0:
            self.save()
        self._flushed_blocks = blocks

    def log_record(self, record: Record) -> None:
        context: dict[str, Any] = {"epoch": record.epoch} if record.with_epoch else {}
        if self._batch_and_phase:
            context = {"epoch": record.epoch, "batch": record.batch, "phase": record.phase}
        rows: dict[int, dict[str, float]] = {}
        for name, value in record.metrics.items():
            rows.setdefault(record.axes.get(name, record.step), {})[name] = value
        for step, metrics in rows.items():
            self.log_metrics(metrics={**context, **metrics}, step=step)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace | None = None) -> None:
        self.experiment.log_hparams(as_mapping(params))

    @rank_zero_only
    def save(self) -> None:
        if self._experiment is not None:
            self._experiment.save()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_experiment": None}


def _positive(argument: str, value: Any) -> int:
    allowed = "an int of at least 1"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ArgumentTypeError.about(argument, value, allowed)
    if value < 1:
        raise ConfigurationError.about(argument, value, allowed)
    return int(value)
