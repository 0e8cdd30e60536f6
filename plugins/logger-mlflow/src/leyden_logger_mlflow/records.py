"""What goes through the queue, and how a client takes it.

An item is one of::

    {"metrics": [[name, value, milliseconds, step], …]}
    {"checkpoint": path of the staged copy, "to": artifact path, "texts": {file name: content}}
    {"status": "FINISHED"}
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

MOST = 1000
"""Metrics that MLflow takes in one call."""

STATUSES = {
    "success": "FINISHED",
    "finished": "FINISHED",
    "failed": "FAILED",
    "aborted": "KILLED",
    "interrupted": "KILLED",
    "killed": "KILLED",
}
_FOREIGN = re.compile(r"[^a-zA-Z0-9_/. -]+")


def allowed(name: str) -> str:
    """A metric's name without what MLflow does not take."""
    return _FOREIGN.sub("", name)


def staged(path: str, folder: Path) -> str:
    """A second name for a file, in ``folder``, where it stays when the first is deleted or replaced.

    Where the file system has no hard links it is a copy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = Path(tempfile.mkdtemp(dir=folder)) / Path(path).name
    try:
        os.link(os.path.realpath(path), kept)
    except OSError:
        shutil.copyfile(path, kept)
    return str(kept)


def deliver(client: Any, run_id: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Hand items to a client, in order, metrics as many at a time as it takes.

    Raises:
        Exception: what the client raised; the items may be handed over again.
    """
    for kind, several in groupby(items, key=_kind):
        if kind == "metrics":
            log_metrics(client, run_id, [one for item in several for one in item["metrics"]])
            continue
        for item in several:
            if kind == "checkpoint":
                _log_checkpoint(client, run_id, item)
            else:
                client.set_terminated(run_id, item["status"])


def log_metrics(client: Any, run_id: str, metrics: list[list[Any]]) -> None:
    """Write metrics, each a list of name, value, milliseconds and step."""
    from mlflow.entities import Metric

    for begin in range(0, len(metrics), MOST):
        client.log_batch(
            run_id, metrics=[Metric(*one) for one in metrics[begin : begin + MOST]], synchronous=True
        )


def _kind(item: Mapping[str, Any]) -> str:
    return next(kind for kind in ("metrics", "checkpoint", "status") if kind in item)


def _log_checkpoint(client: Any, run_id: str, item: Mapping[str, Any]) -> None:
    path = Path(item["checkpoint"])
    client.log_artifact(run_id, str(path), item["to"])
    with tempfile.TemporaryDirectory() as folder:
        for name, text in item["texts"].items():
            Path(folder, name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder, item["to"])
    shutil.rmtree(path.parent)
    for outer in list(path.parents)[1:3]:  # the run's folder, and that of all runs
        if not any(outer.iterdir()):
            outer.rmdir()


def lasting(error: Exception) -> bool:
    """Whether trying again is no use: MLflow calls the request a bad one, or a file is gone."""
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
        return status == 400
    return isinstance(error, FileNotFoundError)
