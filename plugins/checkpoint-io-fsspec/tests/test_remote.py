from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem

import leyden
from leyden.callbacks import ModelCheckpoint
from leyden.errors import ArgumentTypeError, CheckpointError
from leyden.testing import TinyData, TinyModule
from leyden_checkpoint_io_fsspec import FsspecCheckpointIO
from leyden_checkpoint_io_torch import DamagedCheckpointError, MissingCheckpointError, UnsafeCheckpointError

Place = tuple[FsspecCheckpointIO, str]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        running = moto.ThreadedMotoServer(port=0)
        running.start()
        host, port = running.get_host_and_port()
        yield f"http://{host}:{port}"
        running.stop()


@pytest.fixture(params=["memory", "s3"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    name = uuid.uuid4().hex
    if request.param == "memory":
        yield FsspecCheckpointIO(), f"memory://{name}"
        MemoryFileSystem.store.clear()
    else:
        options = {"endpoint_url": request.getfixturevalue("server")}
        fsspec.filesystem("s3", **options).mkdir(name)
        yield FsspecCheckpointIO(options), f"s3://{name}"


def content(number: int) -> dict[str, Any]:
    return {"state_dict": {"w": torch.full((1000,), float(number))}, "n": number}


def test_write_read_list_remove(place: Place) -> None:
    io, folder = place
    path = f"{folder}/deep/a.ckpt"
    assert not io.exists(path) and io.checkpoints_in(f"{folder}/deep") == []
    for number in (1, 2):
        io.save_checkpoint(content(number), path)
        assert io.load_checkpoint(path)["n"] == number
    io.save_checkpoint(content(3), f"{folder}/deep/b.ckpt")
    io.check_checkpoint(path)
    assert [one for _, one in sorted(io.checkpoints_in(f"{folder}/deep"))][-1].endswith("b.ckpt")
    io.remove_checkpoint(path)
    io.remove_checkpoint(path)
    assert not io.exists(path)
    with pytest.raises(MissingCheckpointError, match="a.ckpt"):
        io.load_checkpoint(path)
    io.remove_checkpoint(f"{folder}/deep")
    assert not io.exists(f"{folder}/deep/b.ckpt")


def test_a_damaged_or_dangerous_object_is_named(place: Place) -> None:
    io, folder = place
    path = f"{folder}/a.ckpt"
    io.save_checkpoint(content(1), path)
    system, name = fsspec.core.url_to_fs(path, **io.storage_options)
    whole = system.cat_file(name)
    system.pipe_file(name, whole[:-50])
    for action in (io.load_checkpoint, io.check_checkpoint):
        with pytest.raises(DamagedCheckpointError, match=path):
            action(path)
    io.save_checkpoint({"x": Path("object")}, path)
    with pytest.raises(UnsafeCheckpointError, match=rf"{path}.*checkpoint\['x'\]"):
        io.load_checkpoint(path)


def test_objects_of_one_name_are_kept_apart(place: Place) -> None:
    io, folder = place
    paths = [f"{folder}/{run}/last.ckpt" for run in "ab"]
    for number, path in enumerate(paths):
        io.save_checkpoint(content(number), path)
    assert [io.load_checkpoint(path)["n"] for path in paths] == [0, 1]
    FsspecCheckpointIO(io.storage_options).save_checkpoint(content(7), paths[0])
    assert [io.load_checkpoint(path)["n"] for path in paths] == [7, 1]


def test_a_broken_connection_leaves_what_was_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    io, folder = place
    path = f"{folder}/a.ckpt"
    io.save_checkpoint(content(1), path)
    system, _ = fsspec.core.url_to_fs(path, **io.storage_options)

    def broken(*args: Any, **keywords: Any) -> None:
        raise ConnectionResetError("the line is dead")

    with monkeypatch.context() as patch:
        patch.setattr(system, "put_file", broken)  # fsspec keeps one instance for the same options
        with pytest.raises(
            CheckpointError, match=f"{path}.*was not written: ConnectionResetError: the line is dead"
        ):
            io.save_checkpoint(content(2), path)
    assert io.load_checkpoint(path)["n"] == 1


class Partial(MemoryFileSystem):
    """A storage that shows files while they are written; it fails half-way when told so."""

    protocol = "partial"
    fails = False

    def put_file(self, lpath: str, rpath: str, *args: Any, **keywords: Any) -> None:
        data = Path(lpath).read_bytes()
        self.pipe_file(rpath, data[: len(data) // 2] if self.fails else data)


def test_a_storage_that_shows_half_files_gets_a_hidden_name(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.register_implementation("partial", Partial, clobber=True)
    io, path = FsspecCheckpointIO(), f"partial://{uuid.uuid4().hex}/a.ckpt"
    io.save_checkpoint(content(1), path)
    monkeypatch.setattr(Partial, "fails", True)
    with pytest.raises(CheckpointError, match=r"bytes were sent, and \d+ arrived"):
        io.save_checkpoint(content(2), path)
    assert io.load_checkpoint(path)["n"] == 1
    assert [one for _, one in io.checkpoints_in(path.rpartition("/")[0])] == [path]
    system, folder = fsspec.core.url_to_fs(path.rpartition("/")[0])
    assert len(system.ls(folder)) == 1
    MemoryFileSystem.store.clear()


def fit(io: Any, folder: str, epochs: int, path: str | None = None) -> leyden.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    callbacks = [ModelCheckpoint(folder, save_last=True)]
    trainer = leyden.Trainer(max_epochs=epochs, callbacks=callbacks, plugins=[io], **quiet)
    trainer.fit(TinyModule(), datamodule=TinyData(), ckpt_path=path)
    return trainer


def test_a_fit_saves_and_goes_on_remotely(place: Place) -> None:
    io, folder = place
    fit(io, f"{folder}/run", 2)
    names = {one.rpartition("/")[2] for _, one in io.checkpoints_in(f"{folder}/run")}
    assert names == {"epoch=1-step=4.ckpt", "last.ckpt"}
    resumed = fit(io, f"{folder}/run", 3, "auto")
    assert resumed.global_step == 6 and resumed.ckpt_path.startswith(f"{folder}/run/")
    assert fit(io, f"{folder}/other", 4, f"{folder}/run/last.ckpt").global_step == 8


def test_a_module_is_loaded_from_a_url() -> None:
    url = f"memory://{uuid.uuid4().hex}/a.ckpt"
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = leyden.Trainer(max_epochs=1, enable_checkpointing=False, **quiet)
    module = TinyModule(learning_rate=0.3)
    trainer.fit(module, datamodule=TinyData())
    trainer.save_checkpoint(url)
    loaded = TinyModule.load_from_checkpoint(url)
    assert loaded.hparams.learning_rate == 0.3
    assert torch.equal(loaded.layer.weight, module.layer.weight)
    MemoryFileSystem.store.clear()


def test_options_that_are_none() -> None:
    with pytest.raises(ArgumentTypeError, match="storage_options='key'"):
        FsspecCheckpointIO("key")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="storage_options=3"):
        FsspecCheckpointIO().save_checkpoint({}, "memory://a", 3)
