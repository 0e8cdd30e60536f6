"""A real MLflow server on this machine, and one that is killed in the middle of a run."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leyden import Callback
from leyden.callbacks import ModelCheckpoint
from leyden.testing import Runner
from leyden_delivery import DeliveryError, resend
from leyden_logger_mlflow import MLFlowLogger

pytestmark = pytest.mark.multiprocess


class Server:
    """``mlflow server``, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.url = folder, f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {
            **os.environ,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(f"{self.url}/health", timeout=5).status == 200:
                    return
            time.sleep(0.1)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def server(tmp_path: Path, ready_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "mlflow.db").write_bytes(ready_database.read_bytes())
    made = Server(tmp_path / "server")
    made.start()
    yield made
    made.kill()


class Kill(Callback):
    """Ends the server after a batch."""

    def __init__(self, server: Server, after: int) -> None:
        self.server, self.after = server, after
        self.logger: Any = None

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == self.after:
            self.logger.save()
            self.server.kill()


def points(logger: Any, name: str) -> list[int]:
    return [one.step for one in logger.experiment.get_metric_history(logger.run_id, name)]


def test_a_server_that_is_killed_loses_nothing(
    server: Server,
    tmp_path: Path,
    leyden_run: Runner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("leyden_logger_mlflow.logger.PATIENCE", 1.0)
    caplog.set_level(logging.CRITICAL)
    logger = MLFlowLogger("served", tracking_uri=server.url, save_dir=str(tmp_path / "here"), log_model="all")
    kill = Kill(server, after=3)
    kill.logger = logger
    keep = ModelCheckpoint(dirpath=tmp_path / "kept", filename="{epoch}", save_top_k=1, monitor="val_loss")
    outcome = leyden_run(logger=logger, callbacks=[kill, keep], log_every_n_steps=1, max_epochs=3)
    assert isinstance(outcome.exception, DeliveryError)
    assert outcome.trainer.global_step == 6, "training went on without the server"
    file = tmp_path / "here" / "undelivered" / f"{logger.run_id}.jsonl"
    assert f"leyden resend {file}" in str(outcome.exception)
    server.start()
    assert points(logger, "train_loss") == [0, 1, 2]
    assert resend(file) > 0
    assert points(logger, "train_loss") == [0, 1, 2, 3, 4, 5]
    assert points(logger, "val_loss") == [1, 3, 5]
    assert logger.experiment.get_run(logger.run_id).info.status == "FINISHED"
    best = Path(keep.best_model_path)
    folder = logger.experiment.download_artifacts(logger.run_id, best.stem, str(tmp_path))
    assert Path(folder, best.name).read_bytes() == best.read_bytes()
    assert list((tmp_path / "here").rglob("*.*")) == []


def test_there_is_no_run_without_a_server(
    tmp_path: Path, leyden_run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = leyden_run(logger=MLFlowLogger(tracking_uri=f"http://127.0.0.1:{port}", save_dir=str(tmp_path)))
    assert type(outcome.exception).__name__ == "MlflowException"
    assert "on_train_start" not in outcome.events
