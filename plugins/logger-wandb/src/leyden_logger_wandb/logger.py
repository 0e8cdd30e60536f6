"""The logger that writes to Weights & Biases."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from leyden.api.flags import flag
from leyden.api.hparams_file import plain
from leyden.api.logger import NoLogger, add_prefix, as_mapping, check_metrics, new_checkpoints
from leyden.api.rank_zero import rank, rank_zero_only
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.loggers import Logger
from leyden_logger_wandb.media import several
from leyden_logger_wandb.runs import BATCH, STEP, new_id, run_of

if TYPE_CHECKING:
    from torch import nn

    from leyden.callbacks import Checkpoint

_OF_CALLBACKS = ("monitor", "mode", "save_last", "save_top_k", "save_weights_only", "_every_n_train_steps")


class WandbLogger(Logger):
    """Writes into a run of Weights & Biases. W&B's own process talks to its server, so no step waits for the network.

    Args:
        name: the run's name; W&B makes one up.
        save_dir: the folder below which W&B keeps its files, in ``wandb/``.
        version: the run's id; one that exists is continued.
        offline: keep everything on disk; ``wandb sync`` sends it later.
        dir: another name for ``save_dir``.
        id: another name for ``version``.
        anonymous: let W&B make an anonymous account.
        project: the project; the environment's ``WANDB_PROJECT``, or ``lightning_logs``.
        log_model: checkpoints as artifacts: ``"all"`` when they are saved, ``True`` when a run ends well (but with
            ``save_top_k=-1`` when they are saved), ``False`` never.
        experiment: a run to write into.
        prefix: put before the name of every metric, with a ``-`` between.
        checkpoint_name: the name of the checkpoints' artifact; ``model-<id>`` when ``None``.
        add_file_policy: ``"mutable"`` lets W&B copy a checkpoint before it is sent, ``"immutable"`` does not.
        kwargs: further arguments of ``wandb.init``, e.g. ``entity``, ``group``, ``tags``.

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be; nothing was created.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        name: str | None = None,
        save_dir: str | os.PathLike[str] = ".",
        version: str | None = None,
        offline: bool = False,
        dir: str | os.PathLike[str] | None = None,
        id: str | None = None,
        anonymous: bool | None = None,
        project: str | None = None,
        log_model: Literal["all"] | bool = False,
        experiment: Any = None,
        prefix: str = "",
        checkpoint_name: str | None = None,
        add_file_policy: Literal["mutable", "immutable"] = "mutable",
        **kwargs: Any,
    ) -> None:
        _check(prefix, offline, anonymous, log_model, add_file_policy)
        _one_of("save_dir", None if save_dir == "." else save_dir, "dir", dir)
        _one_of("version", version, "id", id)
        folder = dir if dir is not None and save_dir in (".", None) else save_dir
        self._wandb_init: dict[str, Any] = {
            "name": name,
            "project": project or os.environ.get("WANDB_PROJECT", "lightning_logs"),
            "dir": None if folder is None else os.fspath(folder),
            "id": version or id,
            "resume": "allow",
            "anonymous": "allow" if anonymous else None,
            "mode": "offline" if offline else None,
            **kwargs,
        }
        self._log_model, self._prefix = log_model, prefix
        self._checkpoint_name, self.add_file_policy = checkpoint_name, add_file_policy
        self._experiment = experiment
        self._attach_id: str | None = None
        self.finalized = False
        self._axes: dict[str, str] = {}
        self._logged_model_time: dict[str, float] = {}
        self._waiting: dict[int, Checkpoint] = {}

    @property
    def name(self) -> str | None:
        """The project; the run's own name is ``experiment.name``."""
        project: str | None = self._wandb_init["project"]
        return project

    @property
    def version(self) -> str | None:
        """The run's id; before the run has begun the one that was given, maybe ``None``."""
        found: str | None = self._experiment.id if self._experiment is not None else self._wandb_init["id"]
        return found

    @property
    def save_dir(self) -> str | None:
        """The folder below which W&B keeps its files."""
        folder: str | None = self._wandb_init["dir"]
        return folder

    @property
    def opened(self) -> Any:
        """The run, ``None`` while this logger has none open."""
        return self._experiment

    @property
    def experiment(self) -> Any:
        """The ``wandb.Run``, begun when first asked for; on ranks other than zero an object that does nothing."""
        if rank():
            return NoLogger().experiment
        if self._experiment is None:
            self._experiment = run_of(self, self._wandb_init, self._attach_id)
            self._axes = {}
        self.finalized = False
        return self._experiment

    def closed(self) -> None:
        """The run was finished for another logger's; it is resumed when this one is used again."""
        self._wandb_init["id"], self._experiment = self.version, None

    @rank_zero_only
    def watch(
        self, model: nn.Module, log: str | None = "gradients", log_freq: int = 100, log_graph: bool = True
    ) -> None:
        """Write histograms of gradients and parameters every ``log_freq`` batches, until :meth:`unwatch`.

        Args:
            model: whose.
            log: ``"gradients"``, ``"parameters"``, ``"all"`` or ``None``.
            log_freq: in batches.
            log_graph: also the module's structure.
        """
        self.experiment.watch(model, log=log, log_freq=log_freq, log_graph=log_graph)

    @rank_zero_only
    def unwatch(self, model: nn.Module | None = None) -> None:
        """Undo :meth:`watch` for a module, or for all."""
        self.experiment.unwatch(model)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace | None = None) -> None:
        """Write hyper-parameters into the run's config, as plain values."""
        self.experiment.config.update(plain(as_mapping(params)), allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write one row of the run's history.

        Args:
            metrics: numbers, or W&B's media, by name.
            step: the x-axis, as ``trainer/global_step``; without it the row has none.
        """
        check_metrics(metrics, step)
        self._log(add_prefix(dict(metrics), self._prefix, self.LOGGER_JOIN_CHAR), step)

    def _log(self, row: dict[str, Any], step: int | None) -> None:
        if step is not None and not self._wandb_init.get("sync_tensorboard"):
            row[STEP] = step
        self.experiment.log(row)

    @rank_zero_only
    def log_record(self, record: Record) -> None:
        row = {"epoch": record.epoch, **record.metrics} if record.with_epoch else dict(record.metrics)
        row = add_prefix(row, self._prefix, self.LOGGER_JOIN_CHAR)
        for name, axis in record.axis_names.items():
            key = {"step": STEP, "batch": BATCH}.get(axis) or self._full(axis)
            if self._axes.get(name) != key:
                self.experiment.define_metric(self._full(name), step_metric=key)
                self._axes[name] = key
            row.setdefault(key, record.axes[name])
        self._log(row, record.step)

    def _full(self, name: str) -> str:
        return f"{self._prefix}{self.LOGGER_JOIN_CHAR}{name}" if self._prefix else name

    @rank_zero_only
    def log_table(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[Any]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Write a table, either of ``columns`` and ``data`` or of a ``dataframe``; cells may be media."""
        import wandb

        labels: Any = columns
        self.log_metrics({key: wandb.Table(columns=labels, data=data, dataframe=dataframe)}, step)

    @rank_zero_only
    def log_text(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[str]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Write texts as a table; as :meth:`log_table`."""
        self.log_table(key, columns, data, dataframe, step)

    @rank_zero_only
    def log_image(self, key: str, images: list[Any], step: int | None = None, **kwargs: Any) -> None:
        """Write images: tensors, arrays, PIL images or files.

        Args:
            key: their name.
            images: the images.
            step: the x-axis.
            kwargs: lists with one for each image: ``caption``, ``masks``, ``boxes`` …
        """
        self.log_metrics({key: several("Image", "images", images, kwargs)}, step)

    @rank_zero_only
    def log_audio(self, key: str, audios: list[Any], step: int | None = None, **kwargs: Any) -> None:
        """Write sounds: arrays or files; lists of ``sample_rate`` and ``caption`` as for :meth:`log_image`."""
        self.log_metrics({key: several("Audio", "audios", audios, kwargs)}, step)

    @rank_zero_only
    def log_video(self, key: str, videos: list[Any], step: int | None = None, **kwargs: Any) -> None:
        """Write films: arrays or files; lists of ``caption``, ``fps`` and ``format`` as for :meth:`log_image`."""
        self.log_metrics({key: several("Video", "videos", videos, kwargs)}, step)

    @staticmethod
    @rank_zero_only
    def download_artifact(
        artifact: str,
        save_dir: str | os.PathLike[str] | None = None,
        artifact_type: str | None = None,
        use_artifact: bool | None = True,
    ) -> str:
        """Fetch an artifact from the server.

        Args:
            artifact: its path, ``entity/project/name:alias``.
            save_dir: where to; W&B decides when ``None``.
            artifact_type: its type.
            use_artifact: note that the active run uses it, where there is one.

        Returns:
            The folder that it is in.
        """
        import wandb

        if wandb.run is not None and use_artifact:
            found = wandb.run.use_artifact(artifact, type=artifact_type)
        else:
            found = wandb.Api().artifact(artifact, type=artifact_type)
        return str(found.download(root=None if save_dir is None else os.fspath(save_dir)))

    def use_artifact(self, artifact: str, artifact_type: str | None = None) -> Any:
        """Note that the run uses an artifact, and return it."""
        return self.experiment.use_artifact(artifact, type=artifact_type)

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Checkpoint) -> None:
        """Take new checkpoints as artifacts, or remember the callback for the end of the run."""
        every = getattr(checkpoint_callback, "save_top_k", None) == -1
        if self._log_model == "all" or (self._log_model is True and every):
            self._log_checkpoints(checkpoint_callback)
        elif self._log_model is True:
            self._waiting[id(checkpoint_callback)] = checkpoint_callback

    def _log_checkpoints(self, callback: Checkpoint) -> None:
        import wandb

        settings = {name: getattr(callback, name) for name in _OF_CALLBACKS if hasattr(callback, name)}
        for path, score, aliases in new_checkpoints(callback, self._logged_model_time):
            score = score.item() if hasattr(score, "item") else score
            metadata = {
                "score": score,
                "original_filename": Path(path).name,
                type(callback).__name__: settings,
            }
            name = self._checkpoint_name or f"model-{self.experiment.id}"
            artifact = wandb.Artifact(name=name, type="model", metadata=metadata)
            artifact.add_file(path, name="model.ckpt", policy=self.add_file_policy)
            self.experiment.log_artifact(artifact, aliases=aliases)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """After a run that ended well, take its checkpoints as artifacts. The W&B run stays open, for what follows.

        Until ``wandb.finish()``, the end of the program, or another logger's run.
        """
        if status == "success" and self._experiment is not None:
            for callback in self._waiting.values():
                self._log_checkpoints(callback)
        self.finalized = True

    def __getstate__(self) -> dict[str, Any]:
        run = self._experiment
        if self._wandb_init["id"] is None:
            self._wandb_init["id"] = run.id if run is not None else new_id()
        given = {**self._wandb_init, "id": run.id} if run is not None else self._wandb_init
        attach_id = getattr(run, "_attach_id", None) or self._attach_id
        return {
            **self.__dict__, "_experiment": None, "_wandb_init": given, "_attach_id": attach_id, "_waiting": {},
        }  # fmt: skip


def _check(prefix: Any, offline: Any, anonymous: Any, log_model: Any, add_file_policy: Any) -> None:
    if not isinstance(prefix, str):
        raise ArgumentTypeError.about("prefix", prefix, "a string")
    flag("offline", offline)
    flag("anonymous", anonymous)
    if not isinstance(log_model, bool) and log_model != "all":
        raise ConfigurationError.about("log_model", log_model, "True, False or 'all'")
    if add_file_policy not in ("mutable", "immutable"):
        raise ConfigurationError.about("add_file_policy", add_file_policy, "'mutable' or 'immutable'")
    if offline and log_model:
        remedy = "Checkpoints cannot be uploaded offline: set offline=False, or log_model=False."
        raise ConfigurationError.about("log_model", log_model, "False with offline=True", remedy)


def _one_of(first: str, value: Any, second: str, other: Any) -> None:
    if value is not None and other is not None and os.fspath(value) != os.fspath(other):
        raise ConfigurationError.about(second, other, f"the value of {first}={value!r}: they name the same")
