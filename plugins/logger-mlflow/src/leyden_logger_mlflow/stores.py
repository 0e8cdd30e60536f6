"""Where runs are kept: tracking URIs, and opening what they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leyden.api.warn import warn

FILE = "file:"
_ALLOW = "MLFLOW_ALLOW_FILE_STORE"


def database(save_dir: str) -> str:
    """The URI of the SQLite database in a folder."""
    return f"sqlite:///{Path(save_dir).absolute() / 'mlflow.db'}"


def is_file_store(uri: str) -> bool:
    """Whether a URI names a folder of plain files, as ``file:./ml-runs`` and ``./ml-runs`` do."""
    return urlsplit(uri).scheme in ("", "file") and uri != "databricks"


def client(uri: str) -> Any:
    """An ``MlflowClient``; MLflow's global tracking URI is set as well, so that ``mlflow.…`` goes to the same store.

    MLflow has file stores in maintenance mode and refuses them unless an environment variable allows them. It is set,
    with a warning, unless the user has decided.
    """
    if is_file_store(uri) and _ALLOW not in os.environ:
        os.environ[_ALLOW] = "true"
        warn(
            "mlflow-file-store",
            f"tracking_uri={uri!r} is a folder of files, which MLflow keeps in maintenance mode and refuses by "
            f"default. It is used as asked: {_ALLOW}=true was set for this process, and so needs it "
            f"'mlflow ui --backend-store-uri {uri}'. For a database leave tracking_uri out, or write "
            "sqlite:///mlflow.db.",
            stacklevel=5,
        )
    import mlflow
    from mlflow.tracking import MlflowClient

    mlflow.set_tracking_uri(uri)
    if uri.startswith("sqlite:"):
        return _first(uri, MlflowClient)
    return MlflowClient(uri)


def _first(uri: str, make: Any) -> Any:
    """Make a client of an SQLite store; of several processes that make a new database at once, one makes its tables."""
    from filelock import FileLock

    path = Path(uri.partition(":///")[2].partition("?")[0])
    if not path.name or path.name == ":memory:":
        return make(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        return make(uri)


def experiment_id(client: Any, name: str, artifact_location: str | None) -> str:
    """The id of the experiment of this name, created where it is missing (or was deleted).

    Raises:
        mlflow.exceptions.MlflowException: the store refuses.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage == "deleted":
        try:
            return str(client.create_experiment(name=name, artifact_location=artifact_location))
        except MlflowException:
            found = client.get_experiment_by_name(name)  # another process may have been first
            if found is None or found.lifecycle_stage == "deleted":
                raise
    return str(found.experiment_id)
