"""The W&B logger, offline."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from leyden.api import rank_zero
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import Runner, TinyModule
from leyden_logger_wandb import WandbLogger

Read = Callable[[Any], Any]


def make(tmp_path: Path, **arguments: Any) -> WandbLogger:
    return WandbLogger(**{"save_dir": tmp_path, "project": "p", **arguments})


def test_nothing_is_created_and_wandb_not_imported_by_the_constructor(tmp_path: Path) -> None:
    program = (
        "import sys; from leyden.loggers import WandbLogger; WandbLogger(); print('wandb' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    assert list(tmp_path.iterdir()) == []


def test_arguments_reach_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "from_the_environment")
    logger = WandbLogger(
        "mine", dir=tmp_path / "new", id="abcd", tags=["t"], group="g", notes="n", offline=True, prefix="x"
    )
    assert (logger.name, logger.version) == ("from_the_environment", "abcd")
    run = logger.experiment
    assert (run.name, run.id, run.project, run.tags, run.group, run.notes) == (
        "mine", "abcd", "from_the_environment", ("t",), "g", "n",
    )  # fmt: skip
    assert run.settings.mode == "offline"
    assert Path(run.dir).is_relative_to(tmp_path / "new" / "wandb")
    assert logger.save_dir == str(tmp_path / "new")


def test_rows_prefix_and_steps(tmp_path: Path, written: Read) -> None:
    logger = make(tmp_path, prefix="x")
    logger.log_metrics({"a": 1.0, "b": torch.tensor(2.0)}, 3)
    logger.log_metrics({"a": 2.0}, None)
    found = written(logger.experiment)
    # W&B repeats the last position where a row has none.
    assert found.rows == [
        {"x-a": 1.0, "x-b": 2.0, "trainer/global_step": 3},
        {"x-a": 2.0, "trainer/global_step": 3},
    ]
    assert found.axes == {"*": "trainer/global_step"}


def test_each_metric_has_its_axis(tmp_path: Path, written: Read) -> None:
    logger = make(tmp_path, prefix="p")
    for step in (0, 1):
        names = {"a": "epoch", "b": "batch", "c": "tokens", "d": "step"}
        axes = {"a": 2, "b": 5, "c": 70 + step, "d": step}
        metrics = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "tokens": 70.0 + step}
        logger.log_record(Record(metrics, step, 2, 5, "train", axes=axes, axis_names=names))
    found = written(logger.experiment)
    step = "trainer/global_step"
    assert found.axes == {"*": step, "p-a": "p-epoch", "p-b": "trainer/batch", "p-c": "p-tokens", "p-d": step}
    assert found.rows[1] == {
        "p-a": 1.0, "p-b": 2.0, "p-c": 3.0, "p-d": 4.0, "p-e": 5.0, "p-tokens": 71.0, "p-epoch": 2,
        "trainer/batch": 5, step: 1,
    }  # fmt: skip


def test_tensorboard_has_its_own_axis(tmp_path: Path, written: Read) -> None:
    logger = make(tmp_path, sync_tensorboard=True)
    logger.log_metrics({"a": 1.0}, 3)
    found = written(logger.experiment)
    assert "trainer/global_step" not in found.rows[0]
    assert (found.rows[0]["a"], found.axes) == (1.0, {"*": "global_step"})


def test_hyper_parameters(tmp_path: Path, written: Read) -> None:
    logger = make(tmp_path)
    logger.log_hyperparams({"a": 1, "b": {"c": (1, 2)}, "f": torch.nn.ReLU, "n": None})
    logger.log_hyperparams(Namespace(a=2))
    assert written(logger.experiment).config == {
        "a": 2, "b": {"c": [1, 2]}, "f": "torch.nn.modules.activation.ReLU", "n": None,
    }  # fmt: skip


def test_media(tmp_path: Path, written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    # The real class needs a package that reads sound files.
    monkeypatch.setattr(wandb, "Audio", lambda one, caption: wandb.Html(f"{caption}: {one}", inject=False))
    logger = make(tmp_path)
    logger.log_text("text", columns=["in", "out"], data=[["a", "b"]], step=1)
    logger.log_table("table", columns=["x"], data=[[1]], step=2)
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    logger.log_image("images", [pixels, pixels], step=3, caption=["one", "two"])
    logger.log_audio("audios", ["a.wav"], step=4, caption=["c"])
    film = tmp_path / "a.mp4"
    film.write_bytes(b"film")
    logger.log_video("videos", [str(film)], step=5)
    rows = written(logger.experiment).rows
    assert [row["trainer/global_step"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["text/_type"] == rows[1]["table/_type"] == "table-file"
    assert (rows[2]["images/count"], rows[2]["images/captions"]) == (2, ["one", "two"])
    assert rows[3]["audios/count"] == 1
    assert rows[4]["videos/count"] == 1


@pytest.mark.parametrize("method", ["log_image", "log_audio", "log_video"])
def test_wrong_media_are_refused(tmp_path: Path, method: str) -> None:
    log = getattr(make(tmp_path), method)
    with pytest.raises(TypeError, match="a list"):
        log("x", "file.png")
    with pytest.raises(ValueError, match="a list of 1"):
        log("x", ["a"], caption=["one", "two"])
    with pytest.raises(TypeError, match="caption"):
        log("x", ["a"], caption="one")
    assert not (tmp_path / "wandb").exists()


def test_watching(tmp_path: Path, written: Read) -> None:
    logger, model = make(tmp_path), torch.nn.Linear(2, 1)
    logger.watch(model, log="all", log_freq=1, log_graph=False)
    model(torch.ones(1, 2)).sum().backward()
    logger.log_metrics({"a": 1.0}, 0)
    logger.unwatch(model)
    model(torch.ones(1, 2)).sum().backward()
    logger.log_metrics({"a": 2.0}, 1)
    first, second = written(logger.experiment).rows
    assert any(key.startswith("gradients/weight") for key in first)
    assert any(key.startswith("parameters/weight") for key in first)
    assert set(second) == {"a", "trainer/global_step"}


@pytest.mark.parametrize("log_model", [True, "all", False])
def test_checkpoints(tmp_path: Path, leyden_run: Runner, written: Read, log_model: Any) -> None:
    from leyden.callbacks import ModelCheckpoint

    logger = make(tmp_path, log_model=log_model)
    keep = ModelCheckpoint(dirpath=tmp_path / "kept", monitor="val_loss", save_top_k=1, filename="{epoch}")
    leyden_run(logger=logger, callbacks=[keep], max_epochs=2).ok()
    name = f"model-{logger.version}"
    found = written(logger.experiment)
    if not log_model:
        assert found.artifacts == []
        return
    last, aliases = found.artifacts[-1]
    assert (last, sorted(aliases)) == (name, ["best", "latest"])
    assert set(found.files) == {"model.ckpt"}
    assert log_model == "all" or len(found.artifacts) == 1


def test_a_failed_run_uploads_nothing_at_its_end(tmp_path: Path, leyden_run: Runner, written: Read) -> None:
    from leyden.callbacks import ModelCheckpoint

    logger = make(tmp_path, log_model=True)
    keep = ModelCheckpoint(dirpath=tmp_path / "kept", every_n_train_steps=1)
    leyden_run(
        logger=logger, callbacks=[keep], module=TinyModule(fail_in="validation_step"), num_sanity_val_steps=0
    )
    assert keep.best_model_path
    assert written(logger.experiment).artifacts == []


def test_artifacts_are_used_and_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    calls: list[Any] = []

    class Artifact:
        def download(self, root: Any) -> str:
            return f"downloaded to {root}"

    class Api:
        def artifact(self, path: str, type: Any) -> Artifact:
            calls.append(("api", path, type))
            return Artifact()

    monkeypatch.setattr(wandb, "Api", Api)
    assert WandbLogger.download_artifact("e/p/a:v1", tmp_path, "model") == f"downloaded to {tmp_path}"
    logger = make(tmp_path)
    run = logger.experiment
    monkeypatch.setattr(
        run, "use_artifact", lambda path, type: calls.append(("run", path, type)) or Artifact()
    )
    assert logger.download_artifact("e/p/a:v2") == "downloaded to None"
    assert isinstance(logger.use_artifact("e/p/a:v3", "model"), Artifact)
    WandbLogger.download_artifact("e/p/a:v4", use_artifact=False)
    kinds = [("api", "1", "model"), ("run", "2", None), ("run", "3", "model"), ("api", "4", None)]
    assert calls == [(whom, f"e/p/a:v{version}", kind) for whom, version, kind in kinds]


def test_a_run_of_the_program_is_used(tmp_path: Path, written: Read) -> None:
    import wandb

    own = wandb.init(mode="offline", dir=str(tmp_path))
    logger = make(tmp_path)
    with pytest.warns(UserWarning, match=r"\[wandb-reused\]"):
        logger.log_metrics({"a": 1.0}, 0)
    assert logger.version == own.id
    assert written(own).rows == [{"a": 1.0, "trainer/global_step": 0}]


def test_a_given_run_is_used(tmp_path: Path) -> None:
    import wandb

    own = wandb.init(mode="offline", dir=str(tmp_path))
    logger = WandbLogger(experiment=own)
    assert logger.experiment is own
    assert logger.version == own.id


def test_trials_one_after_the_other_have_runs_of_their_own(tmp_path: Path, leyden_run: Runner) -> None:
    import wandb

    ids = []
    for _ in range(3):
        logger = make(tmp_path)
        leyden_run(logger=logger, log_every_n_steps=1).ok()
        assert wandb.run is not None and wandb.run.id == logger.version, "wandb.log goes to the newest run"
        ids.append(logger.version)
        del logger
        gc.collect()
    assert len(set(ids)) == 3


def test_a_logger_whose_run_was_finished_resumes_it(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)
    first.log_metrics({"a": 1.0}, 0)
    name = first.version
    first.finalize("success")
    second.log_metrics({"a": 1.0}, 0)
    second.finalize("success")
    first.log_metrics({"a": 2.0}, 1)
    assert first.version == name != second.version


def test_fit_then_test_go_into_one_run(tmp_path: Path, leyden_run: Runner, written: Read) -> None:
    logger = make(tmp_path)
    leyden_run("fit", "test", logger=logger, log_every_n_steps=1).ok()
    keys = set().union(*written(logger.experiment).rows)
    assert {"train_loss", "val_loss", "test_loss", "epoch", "trainer/global_step"} <= keys


def test_a_copy_writes_into_the_same_run(tmp_path: Path, written: Read) -> None:
    fresh = make(tmp_path)
    copy = pickle.loads(pickle.dumps(fresh))
    assert fresh.version is not None and copy.version == fresh.version
    fresh.log_metrics({"a": 1.0}, 0)
    copy.log_metrics({"a": 2.0}, 1)
    assert copy.experiment is fresh.experiment
    assert [row["a"] for row in written(fresh.experiment).rows] == [1.0, 2.0]


def _log(pickled: bytes) -> None:
    pickle.loads(pickled).log_metrics({"a": 2.0}, 1)


@pytest.mark.multiprocess
def test_a_copy_in_another_process_writes_into_the_same_run(tmp_path: Path, written: Read) -> None:
    logger = make(tmp_path)
    logger.log_metrics({"a": 1.0}, 0)
    process = multiprocessing.get_context("spawn").Process(target=_log, args=(pickle.dumps(logger),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 1
    logger.log_metrics({"a": 3.0}, 2)
    assert [row["a"] for row in written(logger.experiment).rows] == [1.0, 2.0, 3.0]


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    try:
        logger = make(tmp_path)
        logger.start()
        logger.log_metrics({"a": 1.0}, 0)
        logger.watch(torch.nn.Linear(1, 1))
        logger.experiment.log({"a": 1})
        logger.finalize("success")
    finally:
        rank_zero.set_rank(before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"offline": True, "log_model": True}, "log_model"),
        ({"log_model": "best"}, "log_model"),
        ({"offline": "yes"}, "offline"),
        ({"anonymous": "must"}, "anonymous"),
        ({"prefix": None}, "prefix"),
        ({"add_file_policy": "fixed"}, "add_file_policy"),
        ({"save_dir": "a", "dir": "b"}, "dir"),
        ({"version": "a", "id": "b"}, "id"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}=.*allowed is"):
        WandbLogger(**arguments)


def test_wrong_metrics_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^log_metrics\(step\)="):
        make(tmp_path).log_metrics({"a": 1.0}, 1.5)  # type: ignore[arg-type]
