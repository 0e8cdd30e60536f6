from __future__ import annotations

import os
import resource
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from leyden.errors import ArgumentTypeError, CheckpointError, ConfigurationError
from leyden_checkpoint_io_torch import TorchCheckpointIO

OLD: dict[str, Any] = {"epoch": 1, "state_dict": {"w": torch.zeros(3)}}
NEW: dict[str, Any] = {"epoch": 2, "state_dict": {"w": torch.ones(3)}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "last.ckpt"
    TorchCheckpointIO().save_checkpoint(OLD, path)
    return path


def assert_old(path: Path) -> None:
    assert TorchCheckpointIO().load_checkpoint(path)["epoch"] == 1
    assert names(path.parent) == [path.name]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system refuses to write beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "epoch=0.ckpt"
    TorchCheckpointIO().save_checkpoint(OLD, path)
    assert names(path.parent) == ["epoch=0.ckpt"]


def test_a_name_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    TorchCheckpointIO().save_checkpoint(OLD, "last.ckpt")
    assert_old(tmp_path / "last.ckpt")


@pytest.mark.parametrize("name", ["n" * 250 + ".ckpt", "ü" * 124 + ".ckpt", "a b{c}.ckpt"])
def test_names_as_long_as_the_system_allows(tmp_path: Path, name: str) -> None:
    TorchCheckpointIO().save_checkpoint(OLD, tmp_path / name)
    assert_old(tmp_path / name)


def test_the_file_has_the_permissions_of_other_new_files(tmp_path: Path, saved: Path) -> None:
    (tmp_path / "other").touch()
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_a_link_is_replaced_and_what_it_names_stays(tmp_path: Path, saved: Path) -> None:
    link = tmp_path / "link.ckpt"
    link.symlink_to(saved)
    TorchCheckpointIO().save_checkpoint(NEW, link)
    assert not link.is_symlink()
    assert [TorchCheckpointIO().load_checkpoint(one)["epoch"] for one in (saved, link)] == [1, 2]


def test_bytes_reach_the_disk_before_the_name_and_the_name_after(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        order.append("folder" if folder else f"file of {os.fstat(descriptor).st_size}")
        sync(descriptor)

    def replace(source: Any, target: Any) -> None:
        assert os.path.dirname(source) == os.path.dirname(target)
        order.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    TorchCheckpointIO().save_checkpoint(NEW, saved)
    assert order == [f"file of {saved.stat().st_size}", "rename", "folder"]


@pytest.mark.parametrize("size", [0, 1, 64, 500, 1000])
def test_a_full_disk_keeps_the_previous_file(saved: Path, size: int) -> None:
    big = {"epoch": 2, "w": torch.ones(100_000)}
    with (
        largest_file(size),
        pytest.raises(CheckpointError, match=r"last\.ckpt' was not written: File too") as caught,
    ):
        TorchCheckpointIO().save_checkpoint(big, saved)
    assert isinstance(caught.value.__cause__, OSError)
    assert_old(saved)


@pytest.mark.parametrize("missing", [1, 20, 22, 23, 44, 130])
def test_a_disk_that_is_full_at_the_very_end_keeps_the_previous_file(saved: Path, missing: int) -> None:
    with (
        largest_file(saved.stat().st_size - missing),
        pytest.raises(CheckpointError, match="was not written"),
    ):
        TorchCheckpointIO().save_checkpoint(NEW, saved)
    assert_old(saved)


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failing_system_call_keeps_the_previous_file(
    saved: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def fail(*args: Any) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(CheckpointError, match=r"last\.ckpt' was not written: Permission denied"):
            TorchCheckpointIO().save_checkpoint(NEW, saved)
    assert_old(saved)


def test_a_folder_that_may_not_be_written(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the refusal comes from a stand-in of ``open``."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        with pytest.raises(CheckpointError, match="was not written: Permission denied"):
            TorchCheckpointIO().save_checkpoint(NEW, saved)
    assert_old(saved)


def test_a_folder_that_cannot_be_synced(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def fail(number: int) -> Any:
        def fsync(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(number, os.strerror(number))
            sync(descriptor)

        return fsync

    monkeypatch.setattr(os, "fsync", fail(22))
    TorchCheckpointIO().save_checkpoint(NEW, saved)
    monkeypatch.setattr(os, "fsync", fail(5))
    with pytest.raises(CheckpointError, match=r"was written, but the folder .* could not be synced"):
        TorchCheckpointIO().save_checkpoint({**NEW, "epoch": 3}, saved)
    assert TorchCheckpointIO().load_checkpoint(saved)["epoch"] == 3


def test_a_folder_stands_where_the_file_should(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").mkdir()
    with pytest.raises(CheckpointError, match="was not written: Is a directory"):
        TorchCheckpointIO().save_checkpoint(OLD, tmp_path / "last.ckpt")
    assert names(tmp_path) == ["last.ckpt"]


def test_a_file_stands_where_a_folder_should(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="was not written"):
        TorchCheckpointIO().save_checkpoint(NEW, saved / "inner.ckpt")
    assert_old(saved)


class Holder:
    def __init__(self, inner: Any) -> None:
        self.inner = inner


class Stubborn:
    def __reduce__(self) -> NoReturn:
        raise ZeroDivisionError("no")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (
            {"hyper_parameters": {"act": lambda x: x}},
            r"checkpoint\['hyper_parameters'\]\['act'\] is a builtins.function",
        ),
        ({"a": [0, (1, threading.Lock())]}, r"checkpoint\['a'\]\[1\]\[1\] is a _thread.lock"),
        ({"a": Holder({"b": threading.Lock()})}, r"checkpoint\['a'\]\.inner\['b'\] is a _thread.lock"),
        ({3: Stubborn()}, r"checkpoint\[3\] is a .*Stubborn, which cannot be pickled \(no\)"),
    ],
)
def test_a_value_that_cannot_be_pickled_is_named(saved: Path, content: dict[Any, Any], place: str) -> None:
    with pytest.raises(CheckpointError, match=rf"last\.ckpt' was not written: {place}"):
        TorchCheckpointIO().save_checkpoint({**NEW, **content}, saved)
    assert_old(saved)


def test_a_value_that_holds_itself_is_named_all_the_same(saved: Path) -> None:
    loop: dict[str, Any] = {"bad": threading.Lock()}
    loop = {"self": loop, **loop}
    loop["self"]["again"] = loop
    with pytest.raises(CheckpointError, match=r"is a _thread\.lock"):
        TorchCheckpointIO().save_checkpoint(loop, saved)
    assert_old(saved)


class Interrupting:
    def __reduce__(self) -> NoReturn:
        raise KeyboardInterrupt


def test_an_interrupt_is_an_interrupt_and_keeps_the_previous_file(saved: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        TorchCheckpointIO().save_checkpoint({**NEW, "x": Interrupting()}, saved)
    assert_old(saved)


@pytest.mark.parametrize("call", [1, 5, 10])
def test_an_interrupt_while_bytes_are_written(
    saved: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    from leyden_checkpoint_io_torch import checkpoint_io, seal

    class Interrupted(seal.SealedFile):
        left = call

        def write(self, data: Any) -> int:
            self.left -= 1
            if not self.left:
                self.error = KeyboardInterrupt()
                raise self.error
            return super().write(data)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_io, "SealedFile", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            TorchCheckpointIO().save_checkpoint(NEW, saved)
    assert_old(saved)


@pytest.mark.parametrize(
    "path", ["s3://bucket/last.ckpt", "file:///tmp/last.ckpt", "simplecache::https://x/y"]
)
@pytest.mark.parametrize("method", ["save", "load", "remove", "exists"])
def test_urls_are_refused(path: str, method: str) -> None:
    io = TorchCheckpointIO()
    calls: dict[str, Any] = {
        "save": lambda: io.save_checkpoint(OLD, path),
        "load": lambda: io.load_checkpoint(path),
        "remove": lambda: io.remove_checkpoint(path),
        "exists": lambda: io.exists(path),
    }
    with pytest.raises(ConfigurationError, match="without a scheme"):
        calls[method]()


def test_storage_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentTypeError, match="storage_options="):
        TorchCheckpointIO().save_checkpoint(OLD, tmp_path / "last.ckpt", storage_options={})
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", [None, 3, b"last.ckpt", ["last.ckpt"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="path="):
        TorchCheckpointIO().save_checkpoint(OLD, path)


def test_removing_files_folders_and_links(tmp_path: Path, saved: Path) -> None:
    io, folder, link = TorchCheckpointIO(), tmp_path / "sharded.ckpt", tmp_path / "link.ckpt"
    (folder / "inner").mkdir(parents=True)
    link.symlink_to(folder)
    assert [io.exists(one) for one in (saved, folder, link)] == [True, True, True]
    io.remove_checkpoint(link)
    assert names(tmp_path) == ["last.ckpt", "sharded.ckpt"]
    for path in (saved, folder, folder):
        io.remove_checkpoint(path)
    assert names(tmp_path) == []
    assert not io.exists(saved)


def test_what_cannot_be_removed_is_named(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Any) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", fail)
        with pytest.raises(CheckpointError, match=r"last\.ckpt' cannot be removed: Operation not permitted"):
            TorchCheckpointIO().remove_checkpoint(saved)
    assert_old(saved)


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe.ckpt"
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match=r"pipe\.ckpt.*a device, pipe or socket stands under this name"):
        TorchCheckpointIO().save_checkpoint({"a": 1}, path)
    assert path.is_fifo() and os.listdir(tmp_path) == ["pipe.ckpt"]


@pytest.mark.parametrize(
    ("number", "remedy"), [(28, "Make room there"), (13, "Let this user write there"), (30, "another folder")]
)
def test_an_error_of_the_system_says_what_to_do(
    number: int, remedy: str, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match=f"{saved.name}.*{os.strerror(number)}.*untouched.*{remedy}"):
        TorchCheckpointIO().save_checkpoint({"a": 1}, saved)
