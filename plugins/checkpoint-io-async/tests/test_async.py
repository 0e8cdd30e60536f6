from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden.callbacks import ModelCheckpoint
from leyden.errors import ArgumentTypeError, CheckpointError, ConfigurationError
from leyden.testing import TinyData, TinyModule
from leyden_checkpoint_io_async import AsyncCheckpointIO
from leyden_checkpoint_io_async.snapshot import Buffers, Snapshot
from leyden_checkpoint_io_torch import TorchCheckpointIO


class Slow(TorchCheckpointIO):
    """Writes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let, self.events = threading.Event(), list[str]()
        self.fail_with: Exception | None = None

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        self.events.append(f"begin {Path(path).name}")
        assert self.let.wait(10)
        if self.fail_with is not None:
            raise self.fail_with
        super().save_checkpoint(checkpoint, path, storage_options)
        self.events.append(f"end {Path(path).name}")

    def remove_checkpoint(self, path: Any) -> None:
        self.events.append(f"remove {Path(path).name}")
        super().remove_checkpoint(path)


def test_what_is_written_is_what_it_was_at_the_save(tmp_path: Path) -> None:
    slow = Slow()
    io = AsyncCheckpointIO(slow)
    weight, notes = torch.zeros(3), {"list": [1]}
    io.save_checkpoint({"w": weight, "tied": weight, "notes": notes}, tmp_path / "a.ckpt")
    weight.add_(1)
    notes["list"].append(2)
    assert not (tmp_path / "a.ckpt").exists()
    slow.let.set()
    found = io.load_checkpoint(tmp_path / "a.ckpt")
    assert found["w"].tolist() == [0, 0, 0] and found["notes"] == {"list": [1]}
    assert found["w"].data_ptr() == found["tied"].data_ptr()
    io.teardown()


def test_one_write_is_under_way_and_removals_wait_for_it(tmp_path: Path) -> None:
    slow = Slow()
    io = AsyncCheckpointIO(slow)
    TorchCheckpointIO().save_checkpoint({"n": 0}, tmp_path / "old.ckpt")
    io.save_checkpoint({"n": 1}, tmp_path / "new.ckpt")
    io.remove_checkpoint(tmp_path / "old.ckpt")
    assert (tmp_path / "old.ckpt").exists()
    threading.Timer(0.05, slow.let.set).start()
    io.save_checkpoint({"n": 2}, tmp_path / "newer.ckpt")
    assert slow.events[:3] == ["begin new.ckpt", "end new.ckpt", "remove old.ckpt"]
    io.teardown()
    assert {one.name for one in tmp_path.iterdir()} == {"new.ckpt", "newer.ckpt"}


@pytest.mark.parametrize("by", ["save_checkpoint", "load_checkpoint", "exists", "wait", "teardown"])
def test_an_error_surfaces_once_and_removes_nothing(by: str, tmp_path: Path) -> None:
    slow = Slow()
    io = AsyncCheckpointIO(slow)
    TorchCheckpointIO().save_checkpoint({"n": 0}, tmp_path / "old.ckpt")
    slow.fail_with = CheckpointError("the disk is full")
    slow.let.set()
    io.save_checkpoint({"n": 1}, tmp_path / "new.ckpt")
    io.remove_checkpoint(tmp_path / "old.ckpt")
    arguments: dict[str, tuple[Any, ...]] = {
        "save_checkpoint": ({"n": 2}, tmp_path / "newer.ckpt"),
        "load_checkpoint": (tmp_path / "old.ckpt",),
        "exists": (tmp_path / "old.ckpt",),
    }
    with pytest.raises(CheckpointError, match="the disk is full"):
        getattr(io, by)(*arguments.get(by, ()))
    assert (tmp_path / "old.ckpt").exists()
    slow.fail_with = None
    io.save_checkpoint({"n": 3}, tmp_path / "newest.ckpt")
    io.teardown()
    assert TorchCheckpointIO().load_checkpoint(tmp_path / "newest.ckpt") == {"n": 3}


def fit(folder: Path, io: AsyncCheckpointIO, epochs: int = 3) -> leyden.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    callback = ModelCheckpoint(folder, save_last=True)
    trainer = leyden.Trainer(max_epochs=epochs, callbacks=[callback], plugins=[io], **quiet)
    trainer.fit(TinyModule(), datamodule=TinyData())
    return trainer


def test_when_a_fit_has_ended_everything_is_on_the_disk(tmp_path: Path) -> None:
    before = threading.active_count()
    fit(tmp_path, AsyncCheckpointIO())
    names = {one.name for one in tmp_path.glob("*.ckpt")}
    assert names == {"epoch=2-step=6.ckpt", "last.ckpt"}
    for name in names:
        assert TorchCheckpointIO().load_checkpoint(tmp_path / name)["global_step"] == 6
    assert threading.active_count() == before


def test_a_link_to_the_last_follows_when_the_file_stands(tmp_path: Path) -> None:
    slow, link, seen = Slow(), tmp_path / "last.ckpt", []
    io = AsyncCheckpointIO(slow)

    class Hold(leyden.Callback):
        """Lets no write happen from the end of an epoch until the next one has begun."""

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            io.wait()
            slow.let.clear()

        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            seen.append((link.is_symlink(), link.exists()))
            slow.let.set()

        def on_train_end(self, trainer: Any, module: Any) -> None:
            slow.let.set()

    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    keeping = ModelCheckpoint(tmp_path, save_last="link", save_top_k=-1)
    trainer = leyden.Trainer(max_epochs=3, callbacks=[Hold(), keeping], plugins=[io], **quiet)
    trainer.fit(TinyModule(), datamodule=TinyData())
    assert seen == [(False, False), (False, False), (True, True)]
    assert link.resolve().name == "epoch=2-step=6.ckpt"


def test_work_behind_a_write_waits_for_it_and_is_left_out_when_it_fails(tmp_path: Path) -> None:
    slow, done = Slow(), list[str]()
    io = AsyncCheckpointIO(slow)
    io.when_written(lambda: done.append("nothing is under way"))
    io.save_checkpoint({"n": 1}, tmp_path / "a.ckpt")
    io.when_written(lambda: done.append("it stands"))
    assert done == ["nothing is under way"]
    slow.let.set()
    io.wait()
    slow.fail_with = CheckpointError("the disk is full")
    slow.let.clear()
    io.save_checkpoint({"n": 2}, tmp_path / "b.ckpt")
    io.when_written(lambda: done.append("never"))
    slow.let.set()
    with pytest.raises(CheckpointError, match="the disk is full"):
        io.teardown()
    assert done == ["nothing is under way", "it stands"]


def test_a_fit_ends_with_the_error_of_its_last_save(tmp_path: Path) -> None:
    slow = Slow()
    slow.let.set()
    slow.fail_with = CheckpointError("the disk is full")
    with pytest.raises(CheckpointError, match="the disk is full"):
        fit(tmp_path, AsyncCheckpointIO(slow), epochs=1)


def test_a_save_after_the_run_raises_at_once(tmp_path: Path) -> None:
    trainer = leyden.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, plugins=[AsyncCheckpointIO()],
    )  # fmt: skip
    trainer.fit(TinyModule(), datamodule=TinyData())
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="was not written"):
        trainer.save_checkpoint(tmp_path / "file" / "a.ckpt")
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    assert TorchCheckpointIO().exists(tmp_path / "a.ckpt")


def test_what_cannot_be_pickled_is_named_as_without_it(tmp_path: Path) -> None:
    io = AsyncCheckpointIO()
    io.save_checkpoint({"a": {"b": Unpicklable()}}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=r"checkpoint\['a'\]\['b'\] is a .*Unpicklable"):
        io.teardown()


class Unpicklable:
    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("no")


def test_memory_is_used_again() -> None:
    buffers = Buffers()
    tensors = {
        "a": torch.rand(4),
        "b": torch.rand(2, 3).t(),
        "empty": torch.zeros(0),
        "other": torch.zeros(0),
    }
    first = Snapshot(tensors, buffers)
    addresses = {one.data_ptr() for one in first.used}
    buffers.give_back(first.used)
    second = Snapshot(tensors, buffers)
    assert {one.data_ptr() for one in second.used} == addresses
    for name, value in tensors.items():
        assert torch.equal(second.content[name], value)


@pytest.mark.parametrize(
    "value",
    [
        torch.eye(2).to_sparse(),
        torch.nn.Parameter(torch.ones(2)),
        torch.rand(2, requires_grad=True),
        torch.arange(12).reshape(3, 4)[1:, ::2],
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.tensor([1 + 2j]).conj(),
    ],
    ids=lambda one: str(one.layout) + str(one.dtype),
)
def test_tensors_of_all_kinds(value: torch.Tensor) -> None:
    found = Snapshot({"x": value}, Buffers()).content["x"]
    assert found.data_ptr() != value.data_ptr() if found.layout is torch.strided else True
    assert torch.equal(
        found.to_dense() if value.is_sparse else found, (value.to_dense() if value.is_sparse else value)
    )


def test_something_else_than_an_io_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="checkpoint_io='torch'"):
        AsyncCheckpointIO("torch")  # type: ignore[arg-type]

    class Together(TorchCheckpointIO):
        every_rank = True

    with pytest.raises(ConfigurationError, match="rank zero alone"):
        AsyncCheckpointIO(Together())


KILLED = """
import os, signal, sys, threading, torch
from leyden_checkpoint_io_async import AsyncCheckpointIO
folder = sys.argv[1]
io = AsyncCheckpointIO()
weights = torch.arange(2_000_000.0)
for n in range(10 ** 6):
    io.save_checkpoint({"n": n, "w": weights + n}, f"{folder}/{n}.ckpt")
    if n:
        io.remove_checkpoint(f"{folder}/{n - 1}.ckpt")
    print(n, flush=True)
"""


@pytest.mark.multiprocess
def test_a_killed_process_leaves_what_was_promised(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 5:
            os.kill(process.pid, signal.SIGKILL)
            break
    saved = int(line)
    process.communicate()
    numbers = sorted(int(one.stem) for one in tmp_path.glob("*.ckpt"))
    assert numbers and numbers[-1] >= saved - 1
    for number in numbers:
        found = TorchCheckpointIO().load_checkpoint(tmp_path / f"{number}.ckpt")
        assert torch.equal(found["w"], torch.arange(2_000_000.0) + number)
