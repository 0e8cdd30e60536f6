"""The logger that writes to MLflow."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from leyden.api.flags import flag
from leyden.api.logger import NoLogger, as_mapping, check_metrics, flatten, new_checkpoints
from leyden.api.rank_zero import rank, rank_zero_only
from leyden.api.record import Record
from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.loggers import Logger
from leyden_delivery import Delivery
from leyden_logger_mlflow import records, stores

if TYPE_CHECKING:
    from leyden.callbacks import Checkpoint

_URI = os.getenv("MLFLOW_TRACKING_URI")
PATIENCE = 30.0
"""Seconds to wait for the store at the end of a run."""
LONGEST_PARAMETER = 6000
PARAMETERS = 100
_OF_CALLBACKS = ("monitor", "mode", "save_last", "save_top_k", "save_weights_only", "_every_n_train_steps")


class MLFlowLogger(Logger):
    """Writes metrics, hyper-parameters and checkpoints into a run of an MLflow store.

    Metrics and checkpoints go through a bounded queue, so that the training step does not wait for the store; what it
    does not take by the end of the run is kept in ``<save_dir>/undelivered``, and ``finalize`` raises with the path.

    Args:
        experiment_name: the experiment, created where it is missing.
        run_name: the run's name; ``None`` lets MLflow make one up.
        tracking_uri: the store: ``http://…`` of a server, ``sqlite:///…`` or another database, ``file:…`` for a folder
            of files (which warns). The default is ``MLFLOW_TRACKING_URI`` of the environment in which this module was
            imported, and without it the SQLite database ``<save_dir>/mlflow.db`` with artifacts in
            ``<save_dir>/artifacts``.
        tags: tags of the run.
        save_dir: the local folder for that database, and for what could not be delivered.
        log_model: checkpoints as artifacts: ``"all"`` when they are saved, ``True`` when the run ends (but with
            ``save_top_k=-1`` when they are saved), ``False`` never.
        prefix: put before the name of every metric, with a ``-`` between.
        artifact_location: where a new experiment keeps its artifacts; the store decides when ``None``.
        run_id: continue this run instead of beginning one.
        synchronous: ``True`` writes each record at once, without the queue.
        checkpoint_path_prefix: put before the artifact path of every checkpoint, e.g. ``"checkpoints"``.

    Attributes:
        tags: the run's tags.

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be; nothing was created.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        experiment_name: str = "lightning_logs",
        run_name: str | None = None,
        tracking_uri: str | os.PathLike[str] | None = _URI,
        tags: dict[str, Any] | None = None,
        save_dir: str | os.PathLike[str] | None = "./mlruns",
        log_model: Literal[True, False, "all"] = False,
        prefix: str = "",
        artifact_location: str | None = None,
        run_id: str | None = None,
        synchronous: bool | None = None,
        checkpoint_path_prefix: str = "",
    ) -> None:
        texts = {"experiment_name": experiment_name, "prefix": prefix}
        texts |= {"checkpoint_path_prefix": checkpoint_path_prefix}
        optional = {"run_name": run_name, "artifact_location": artifact_location, "run_id": run_id}
        _check_texts({**texts, **{name: one for name, one in optional.items() if one is not None}})
        if not isinstance(log_model, bool) and log_model != "all":
            raise ConfigurationError.about("log_model", log_model, "True, False or 'all'")
        if synchronous is not None:
            flag("synchronous", synchronous)
        if tags is not None and not isinstance(tags, Mapping):
            raise ArgumentTypeError.about("tags", tags, "a dict, or None")
        self._save_dir = os.fspath(save_dir or "./mlruns")
        self._uri = os.fspath(tracking_uri) if tracking_uri else stores.database(self._save_dir)
        self._own_database = not tracking_uri
        self._experiment_name, self._run_name, self._run_id = experiment_name, run_name, run_id
        self.tags = None if tags is None else dict(tags)
        self._log_model, self._prefix, self._synchronous = log_model, prefix, synchronous
        self._artifact_location, self._path_prefix = artifact_location, checkpoint_path_prefix.strip("/")
        self._experiment_id: str | None = None
        self._client: Any = None
        self._delivery: Delivery | None = None
        self._terminated = self._interrupted = False
        self._logged_model_time: dict[str, float] = {}
        self._waiting: dict[int, Checkpoint] = {}

    @property
    def experiment(self) -> Any:
        """The ``MlflowClient``; the first access opens the store and begins the run. Other ranks' discards."""
        if rank():
            return NoLogger().experiment
        if self._client is None:
            client = stores.client(self._uri)
            if self._run_id is not None:
                self._experiment_id = client.get_run(self._run_id).info.experiment_id
            else:
                self._begin(client)
            self._client = client
        return self._client

    def _begin(self, client: Any) -> None:
        from mlflow.tracking.context.registry import resolve_tags
        from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME

        location = self._artifact_location
        if location is None and self._own_database:
            location = (Path(self._save_dir).absolute() / "artifacts").as_uri()
        self._experiment_id = stores.experiment_id(client, self._experiment_name, location)
        if self._run_name is not None:
            if self.tags and MLFLOW_RUN_NAME in self.tags:
                name = self.tags[MLFLOW_RUN_NAME]
                warn("mlflow-run-name", f"run_name={self._run_name!r} replaces {name!r} of the tags.")
            self.tags = {**(self.tags or {}), MLFLOW_RUN_NAME: self._run_name}
        run = client.create_run(experiment_id=self._experiment_id, tags=resolve_tags(self.tags))
        self._run_id = run.info.run_id

    @property
    def run_id(self) -> str | None:
        """The run's id; reading it begins the run."""
        self.experiment  # noqa: B018
        return self._run_id

    @property
    def experiment_id(self) -> str | None:
        """The experiment's id; reading it begins the run."""
        self.experiment  # noqa: B018
        return self._experiment_id

    @property
    def name(self) -> str | None:
        """The experiment's id."""
        return self.experiment_id

    @property
    def version(self) -> str | None:
        """The run's id."""
        return self.run_id

    @property
    def save_dir(self) -> str | None:
        """The store's folder where it is a local one that this logger chose, or a folder of files; else ``None``."""
        if self._uri.startswith(stores.FILE):
            return self._uri[len(stores.FILE) :]
        return self._save_dir if self._own_database else None

    @rank_zero_only
    def start(self) -> None:
        """Open the store and begin the run; one that had ended goes on."""
        self._interrupted = False
        if self.run_id and (
            self._terminated or self.experiment.get_run(self._run_id).info.status != "RUNNING"
        ):
            self.experiment.update_run(self._run_id, status="RUNNING")
            self._terminated = False

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace | None = None) -> None:
        """Write hyper-parameters at once; nested ones become ``outer/inner``, values are cut at 6000 characters.

        Raises:
            mlflow.exceptions.MlflowException: the store is not there, or the run has another value already.
        """
        from mlflow.entities import Param

        found = [Param(key, str(one)[:LONGEST_PARAMETER]) for key, one in flatten(as_mapping(params)).items()]
        for begin in range(0, len(found), PARAMETERS):
            self.experiment.log_batch(self.run_id, params=found[begin : begin + PARAMETERS], synchronous=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write metrics.

        Args:
            metrics: numbers, or tensors of one element, by name.
            step: the x-axis; 0 when ``None``.
        """
        check_metrics(metrics, step)
        self._put(metrics, {}, 0 if step is None else int(step))

    def log_record(self, record: Record) -> None:
        epoch = {"epoch": record.epoch} if record.with_epoch else {}
        self._put({**epoch, **record.metrics}, record.axes, record.step)

    @rank_zero_only
    def _put(self, metrics: Mapping[str, Any], axes: Mapping[str, int], step: int) -> None:
        now = int(time.time() * 1000)
        found = [
            [self._named(name), _number(name, value), now, axes.get(name, step)]
            for name, value in metrics.items()
            if not _is_text(name, value)
        ]
        self._hand({"metrics": found})

    def _named(self, name: str) -> str:
        full = f"{self._prefix}{self.LOGGER_JOIN_CHAR}{name}" if self._prefix else name
        known = records.allowed(full)
        if known != full:
            allowed = "letters, digits, '_', '/', '.', '-' and spaces"
            warn(
                "mlflow-name", f"MLflow takes {allowed} in the names of metrics: {full!r} becomes {known!r}."
            )
        return known

    def _hand(self, item: dict[str, Any]) -> None:
        if self._synchronous:
            records.deliver(self.experiment, str(self.run_id), [item])
            return
        if self._delivery is None:
            arguments = {"tracking_uri": self._uri, "run_id": self.run_id, "save_dir": self._save_dir}
            header = {"logger": "mlflow", "arguments": arguments}
            file = self._undelivered / f"{self.run_id}.jsonl"
            self._delivery = Delivery(self.deliver, file, header, patience=PATIENCE, lasting=records.lasting)
        self._delivery.put(item)

    @property
    def _undelivered(self) -> Path:
        return Path(self._save_dir).absolute() / "undelivered"

    def deliver(self, items: list[dict[str, Any]]) -> None:
        """Write items that went through the queue, or that ``leyden resend`` read from a file.

        Raises:
            Exception: what MLflow raised; the items may be delivered again.
        """
        records.deliver(self.experiment, str(self.run_id), items)

    def save(self) -> None:
        """Wait until everything is written, for half a minute at most; what is not stays in the queue."""
        if self._delivery is not None:
            self._delivery.flush()

    def on_exception(self, exception: BaseException) -> None:
        """Ctrl-C ends the run as ``KILLED``."""
        self._interrupted = isinstance(exception, KeyboardInterrupt)

    @rank_zero_only
    def finalize(self, status: str = "success") -> None:
        """Write everything and end the run.

        Args:
            status: ``"success"`` becomes ``FINISHED``, ``"failed"`` ``FAILED``, and after Ctrl-C ``KILLED``; one of
                MLflow's own is taken as it is.

        Raises:
            leyden_delivery.DeliveryError: the store did not take everything; the rest is in the file that is named.
        """
        if self._client is None or self._terminated:
            return
        final = "KILLED" if status == "failed" and self._interrupted else records.STATUSES.get(status, status)
        try:
            for callback in self._waiting.values():
                self._log_checkpoints(callback)
            self._hand({"status": final})
        finally:
            self._terminated = True
            if self._delivery is not None:
                self._delivery.close()

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Checkpoint) -> None:
        """Put new checkpoints on their way, or remember the callback for the end of the run."""
        every = getattr(checkpoint_callback, "save_top_k", None) == -1
        if self._log_model == "all" or (self._log_model is True and every):
            self._log_checkpoints(checkpoint_callback)
        elif self._log_model is True:
            self._waiting[id(checkpoint_callback)] = checkpoint_callback

    def _log_checkpoints(self, callback: Checkpoint) -> None:
        import yaml

        settings = {name: getattr(callback, name) for name in _OF_CALLBACKS if hasattr(callback, name)}
        for path, score, aliases in new_checkpoints(callback, self._logged_model_time):
            score = score.item() if hasattr(score, "item") else score
            metadata = {"score": score, "original_filename": Path(path).name, "Checkpoint": settings}
            texts = {"metadata.yaml": yaml.safe_dump(metadata), "aliases.txt": str(aliases)}
            to = "/".join(part for part in (self._path_prefix, Path(path).stem) if part)
            kept = records.staged(path, self._undelivered / str(self.run_id))
            self._hand({"checkpoint": kept, "to": to, "texts": texts})

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None, "_delivery": None, "_waiting": {}}


def _check_texts(texts: Mapping[str, Any]) -> None:
    for name, one in texts.items():
        if not isinstance(one, str):
            raise ArgumentTypeError.about(name, one, "a string")
    if not texts["experiment_name"]:
        raise ConfigurationError.about("experiment_name", "", "a name")


def _is_text(name: str, value: Any) -> bool:
    if isinstance(value, str):
        warn(
            "mlflow-text",
            f"MLflow's metrics are numbers: {name}={value!r} is left out. Log it as a tag or parameter.",
        )
    return isinstance(value, str)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        allowed = "a number, or a tensor of one element"
        raise ArgumentTypeError.about(f"metrics[{name!r}]", value, allowed) from error
