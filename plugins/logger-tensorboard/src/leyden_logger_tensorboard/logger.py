"""The logger that writes TensorBoard's event files."""

from __future__ import annotations

import os
import weakref
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leyden.api.flags import flag
from leyden.api.hparams_file import FILE_NAME, plain, write_hparams
from leyden.api.logger import add_prefix, as_mapping, flatten, scalars_only
from leyden.api.rank_zero import rank, rank_zero_only
from leyden.api.record import Record
from leyden.api.version_dir import VersionDir, below
from leyden.errors import ArgumentTypeError
from leyden.loggers import Logger
from leyden_logger_tensorboard import options
from leyden_logger_tensorboard.discard import Discard
from leyden_logger_tensorboard.graph import draw

if TYPE_CHECKING:
    from torch import Tensor

    from leyden import LightningModule


class TensorBoardLogger(Logger):
    """Writes event files and ``hparams.yaml`` into ``<save_dir>/<name>/version_<n>[/<sub_dir>]``.

    Args:
        save_dir: the folder of all experiments.
        name: the experiment's folder below it; ``None`` or ``""`` for none.
        version: the run's number or folder name; when ``None`` the next free number, claimed atomically. A
            version that exists is continued: its event files stay, new ones follow.
        log_graph: whether to draw the module's graph when a run begins; needs ``example_input_array``.
        default_hp_metric: whether hyper-parameters that come without a metric get ``hp_metric`` = -1, without
            which TensorBoard's HPARAMS page does not show them.
        prefix: put before the name of every metric, with a ``-`` between.
        sub_dir: a folder within the run's folder.
        kwargs: ``purge_step``, ``max_queue``, ``flush_secs``, ``filename_suffix`` of
            ``torch.utils.tensorboard.SummaryWriter``.

    Attributes:
        hparams: the hyper-parameters logged so far.
        sub_dir: the folder within the run's folder, ``None`` when there is none.

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be; nothing was created.
    """

    LOGGER_JOIN_CHAR = "-"
    NAME_HPARAMS_FILE = FILE_NAME

    def __init__(
        self,
        save_dir: str | os.PathLike[str],
        name: str | None = "lightning_logs",
        version: int | str | None = None,
        log_graph: bool = False,
        default_hp_metric: bool = True,
        prefix: str = "",
        sub_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        self._dir = VersionDir(save_dir, name, version)
        if not isinstance(prefix, str):
            raise ArgumentTypeError.about("prefix", prefix, "a string")
        flag("log_graph", log_graph)
        flag("default_hp_metric", default_hp_metric)
        self._log_graph, self._default_hp_metric, self._prefix = log_graph, default_hp_metric, prefix
        self.sub_dir = None if sub_dir is None else below("sub_dir", sub_dir)
        self._kwargs = options.check(kwargs)
        self.hparams: dict[str, Any] = {}
        self._hparams_saved = self._hparams_shown = self._graph_drawn = False
        self._next_step = 0
        self._experiment: Any = None

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
        """The folder of this run, with ``sub_dir``."""
        return str(self._dir.path / (self.sub_dir or ""))

    @property
    def experiment(self) -> Any:
        """The ``SummaryWriter``, created when first asked for; on ranks other than zero it discards."""
        if self._experiment is None:
            self._experiment = Discard() if rank() else self._open()
        return self._experiment

    def _open(self) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(log_dir=str(self._folder()), **self._kwargs)
        # The queue of a logger that nobody finalizes is written when it goes, or when the interpreter exits.
        weakref.finalize(self, _close, writer, os.getpid())
        return writer

    def _folder(self) -> Path:
        return self._dir.make(self.sub_dir or "")

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write metrics.

        Args:
            metrics: numbers by tag; a dict instead of a number draws its values into one chart.
            step: the x-axis; one more than the last when ``None``.
        """
        step = self._next_step if step is None else step
        self._write(metrics, step)
        self._next_step = step + 1

    def _write(self, metrics: Mapping[str, Any], step: int) -> None:
        for tag, value in self._tagged(metrics).items():
            if isinstance(value, Mapping):
                several = {name: _number(f"{tag}/{name}", one) for name, one in value.items()}
                self.experiment.add_scalars(tag, several, step)
            else:
                self.experiment.add_scalar(tag, _number(tag, value), step)

    def _tagged(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        return add_prefix(dict(metrics), self._prefix, self.LOGGER_JOIN_CHAR)

    def log_record(self, record: Record) -> None:
        axes: dict[int, dict[str, float]] = {}
        for name, value in record.metrics.items():
            axes.setdefault(record.axes.get(name, record.step), {})[name] = value
        if record.with_epoch and record.step in axes:
            axes[record.step].setdefault("epoch", record.epoch)
        for step, metrics in axes.items():
            self.log_metrics(metrics=metrics, step=step)

    @rank_zero_only
    def log_hyperparams(
        self,
        params: dict[str, Any] | Namespace | None = None,
        metrics: Mapping[str, Any] | float | None = None,
        step: int | None = None,
    ) -> None:
        """Write hyper-parameters, into ``hparams.yaml`` and for TensorBoard's HPARAMS page.

        Args:
            params: the hyper-parameters; nested ones are shown as ``outer/inner``.
            metrics: what the page shows beside them: numbers by tag, or one number called ``hp_metric``. The
                page keeps the tags of the first call.
            step: the x-axis of these metrics; 0 when ``None``.
        """
        self.hparams.update(as_mapping(params))
        self._hparams_saved = False
        if metrics is None:
            # The place-holder is written once, so that a later run does not cover the value that took its place.
            metrics = {"hp_metric": -1} if self._default_hp_metric and not self._hparams_shown else {}
        elif not isinstance(metrics, Mapping):
            metrics = {"hp_metric": metrics}
        if metrics:
            self._write(metrics, step or 0)
            self._show(scalars_only(flatten(plain(as_mapping(params)))), self._tagged(metrics), step or 0)

    def _show(self, params: dict[str, Any], metrics: dict[str, Any], step: int) -> None:
        from torch.utils.tensorboard.summary import hparams

        # SummaryWriter.add_hparams would open a second run below this one.
        writer = self.experiment._get_file_writer()
        self._hparams_shown = True
        for summary in hparams(params, {tag: _number(tag, one) for tag, one in metrics.items()}):
            writer.add_summary(summary, step)

    @rank_zero_only
    def log_graph(self, model: LightningModule, input_array: Tensor | None = None) -> None:
        if self._log_graph and not self._graph_drawn:
            self._graph_drawn = draw(self.experiment, model, input_array)

    @rank_zero_only
    def save(self) -> None:
        if self._experiment is not None:
            self._experiment.flush()
        if not self._hparams_saved and (self.hparams or self._experiment is not None):
            write_hparams(self._folder() / FILE_NAME, self.hparams)
            self._hparams_saved = True

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.save()
        if self._experiment is not None:
            self._experiment.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_experiment": None}


def _number(tag: str, value: Any) -> float:
    try:
        number = value.item() if hasattr(value, "item") else value
    except (RuntimeError, ValueError):
        number = value
    if not isinstance(number, bool | int | float):
        allowed = "a number, a tensor of one element, or a dict of those"
        remedy = "Write images, texts and histograms through logger.experiment."
        raise ArgumentTypeError.about(f"metrics[{tag!r}]", value, allowed, remedy)
    return number


def _close(writer: Any, pid: int) -> None:
    # The queue's thread lives in the process that opened it; in a forked one closing would wait for ever.
    if os.getpid() == pid:
        writer.close()
