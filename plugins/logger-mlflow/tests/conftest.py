"""A database that is ready, since making one takes seconds."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
THEIRS = ["ignore::sqlalchemy.exc.SADeprecationWarning", "ignore:.*maintenance mode:FutureWarning"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MLflow uses what its own libraries call deprecated."""
    for item in items:
        if HERE in item.path.parents:
            for theirs in THEIRS:
                item.add_marker(pytest.mark.filterwarnings(theirs))


@pytest.fixture(scope="session")
def ready_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def save_dir(tmp_path: Path, ready_database: Path) -> str:
    """The folder of a logger, with its database."""
    (tmp_path / "runs").mkdir()
    shutil.copy(ready_database, tmp_path / "runs")
    return str(tmp_path / "runs")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow's global address, and what the logger sets in the environment, are as they were."""
    from mlflow.tracking._tracking_service import utils

    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    before = utils._tracking_uri
    yield
    utils._tracking_uri = before
