"""Reading what W&B wrote, and no network."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HEADER, BLOCK = 7, 32768
FULL, FIRST = 1, 2


def records(path: Path) -> Iterator[Any]:
    """The records of a ``.wandb`` file, which are framed as in LevelDB's logs."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, position, pending = path.read_bytes(), HEADER, b""
    while position + HEADER <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        part = data[position + HEADER : position + HEADER + length]
        position += HEADER + length
        pending = part if kind in (FULL, FIRST) else pending + part
        if kind in (FULL, 4):
            record = Record()
            record.ParseFromString(pending)
            yield record


class Written:
    """What a finished run's file holds.

    Attributes:
        rows: the history, without what W&B adds.
        config: the config.
        axes: the step metric by metric.
        artifacts: name and aliases of each.
    """

    def __init__(self, path: Path) -> None:
        self.rows: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {}
        self.axes: dict[str, str] = {}
        self.artifacts: list[tuple[str, list[str]]] = []
        self.files: list[str] = []
        for one in records(path):
            kind = one.WhichOneof("record_type")
            if kind == "history":
                row = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json)
                    for item in one.history.item
                }
                self.rows.append({key: value for key, value in row.items() if not key.startswith("_")})
            elif kind == "run":
                self._update(one.run.config)
            elif kind == "config":
                self._update(one.config)
            elif kind == "metric" and one.metric.step_metric:
                self.axes[one.metric.name or one.metric.glob_name] = one.metric.step_metric
            elif kind == "artifact":
                self._artifact(one.artifact)
            elif kind == "request" and one.request.WhichOneof("request_type") == "log_artifact":
                self._artifact(one.request.log_artifact.artifact)

    def _update(self, config: Any) -> None:
        for item in config.update:
            key = item.key or "/".join(item.nested_key)
            if not key.startswith("_"):
                self.config[key] = json.loads(item.value_json)

    def _artifact(self, artifact: Any) -> None:
        self.artifacts.append((artifact.name, list(artifact.aliases)))
        self.files += [entry.path for entry in artifact.manifest.contents]


def finished_file(run: Any) -> Path:
    """Finish a run; its file, when W&B's process has written all of it."""
    path = Path(run.settings.sync_file)
    run.finish()
    while not any(one.WhichOneof("record_type") == "exit" for one in records(path)):
        time.sleep(0.01)
    return path


@pytest.fixture
def finished() -> Callable[[Any], Path]:
    """Finish a run; its file."""
    return finished_file


@pytest.fixture
def written() -> Callable[[Any], Written]:
    """Finish a run, and read it."""
    return lambda run: Written(finished_file(run))


@pytest.fixture(scope="session", autouse=True)
def _process_of_wandb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have W&B, offline and silent, start the process that it keeps, so that no test takes it for a left-over."""
    import wandb

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_SILENT", "true")
        patch.setenv("WANDB_MODE", "offline")
        wandb.init(dir=str(tmp_path_factory.mktemp("first"))).finish()
        yield


@pytest.fixture(autouse=True)
def _no_run_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import wandb

    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    yield
    wandb.finish()
