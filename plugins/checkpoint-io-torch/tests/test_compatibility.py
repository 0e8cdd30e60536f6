"""A sealed file is an ordinary torch file, and others' files are read."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden_checkpoint_io_torch import DamagedCheckpointError, TorchCheckpointIO

CONTENT: dict[str, Any] = {"epoch": 3, "state_dict": {"w": torch.arange(5.0)}}


def same(found: dict[str, Any]) -> bool:
    return found["epoch"] == 3 and torch.equal(found["state_dict"]["w"], CONTENT["state_dict"]["w"])


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.ckpt"
    TorchCheckpointIO().save_checkpoint(CONTENT, path)
    return path


@pytest.mark.parametrize("options", [{}, {"mmap": True}, {"map_location": "cpu"}])
def test_torch_reads_ours(ours: Path, options: dict[str, Any]) -> None:
    assert same(torch.load(ours, weights_only=True, **options))


def test_torch_reads_ours_from_an_open_file(ours: Path) -> None:
    with ours.open("rb") as file:
        assert same(torch.load(file, weights_only=True))


def test_zip_tools_read_ours(ours: Path) -> None:
    with zipfile.ZipFile(ours) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b"leyden:crc32:")


def test_lightning_reads_ours(ours: Path) -> None:
    io = pytest.importorskip("pytorch_lightning.plugins.io")
    assert same(io.TorchCheckpointIO().load_checkpoint(str(ours)))


def test_ours_reads_lightnings(tmp_path: Path) -> None:
    io = pytest.importorskip("pytorch_lightning.plugins.io")
    io.TorchCheckpointIO().save_checkpoint(CONTENT, str(tmp_path / "theirs.ckpt"))
    assert same(TorchCheckpointIO().load_checkpoint(tmp_path / "theirs.ckpt"))


def test_ours_reads_the_old_format(tmp_path: Path) -> None:
    torch.save(CONTENT, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    assert same(TorchCheckpointIO().load_checkpoint(tmp_path / "old.ckpt"))
    assert TorchCheckpointIO().exists(tmp_path / "old.ckpt")


def test_files_without_checksums_say_how_they_can_be_read(tmp_path: Path) -> None:
    path, before = tmp_path / "bare.ckpt", torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(CONTENT, path)
        TorchCheckpointIO().save_checkpoint(CONTENT, tmp_path / "ours.ckpt")
    finally:
        torch.serialization.set_crc32_options(before)
    with pytest.raises(DamagedCheckpointError, match=r"TorchCheckpointIO\(verify=False\)"):
        TorchCheckpointIO().load_checkpoint(path)
    assert same(TorchCheckpointIO(verify=False).load_checkpoint(path))
    assert same(TorchCheckpointIO().load_checkpoint(tmp_path / "ours.ckpt"))


def test_tensors_are_moved_where_the_caller_says(ours: Path) -> None:
    found = TorchCheckpointIO().load_checkpoint(ours, map_location="meta")
    assert found["state_dict"]["w"].device.type == "meta"
    found = TorchCheckpointIO().load_checkpoint(ours, map_location=lambda storage, location: storage)
    assert same(found)


def test_tensors_that_share_memory_share_it_again(tmp_path: Path) -> None:
    w = torch.zeros(4)
    TorchCheckpointIO().save_checkpoint({"a": w, "b": w[:2]}, tmp_path / "tied.ckpt")
    found = TorchCheckpointIO().load_checkpoint(tmp_path / "tied.ckpt")
    found["a"][0] = 1.0
    assert float(found["b"][0]) == 1.0
