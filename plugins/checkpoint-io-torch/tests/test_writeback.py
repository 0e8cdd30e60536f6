"""Bytes go to the disk while further ones are written, and all of them arrive in their order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden_checkpoint_io_torch import TorchCheckpointIO, writeback
from leyden_checkpoint_io_torch.writeback import EarlyFile


@pytest.fixture
def advice(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Where and how much, and how long the file was then."""
    found: list[tuple[int, int, int]] = []

    def advise(descriptor: int, offset: int, length: int, kind: int) -> None:
        assert kind == 4
        found.append((offset, length, os.fstat(descriptor).st_size))

    monkeypatch.setattr(os, "posix_fadvise", advise, raising=False)
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    return found


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 250, 1000])
def test_each_complete_piece_is_begun(
    size: int, advice: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writeback, "PIECE", 100)
    content = os.urandom(size)
    with EarlyFile(str(tmp_path / "whole")) as file:
        assert file.write(memoryview(content)) == size
    with EarlyFile(str(tmp_path / "bytewise")) as file:
        for one in content:
            file.write(bytes([one]))
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "bytewise").read_bytes() == content
    pieces = [(100 * number, 100, 100 * (number + 1)) for number in range(size // 100)]
    assert advice == pieces * 2, "each piece once, when the system has it all"


def test_a_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(FileExistsError):
        EarlyFile(str(tmp_path / "there"))


@pytest.mark.parametrize("case", ["no advice", "refused"])
def test_saving_does_not_need_the_advice(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(writeback, "PIECE", 1000)
    if case == "refused":
        monkeypatch.setattr(os, "posix_fadvise", refuse, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fadvise", raising=False)
    weights = torch.rand(2_000_000)
    TorchCheckpointIO().save_checkpoint({"weights": weights}, tmp_path / "a.ckpt")
    assert TorchCheckpointIO().load_checkpoint(tmp_path / "a.ckpt")["weights"].equal(weights)


def test_a_save_begins_before_it_syncs(advice: Any, tmp_path: Path) -> None:
    weights = {str(number): torch.rand(2**20) for number in range(5)}  # 20 MiB
    TorchCheckpointIO().save_checkpoint(weights, tmp_path / "a.ckpt")
    assert [offset for offset, _, _ in advice] == [0, advice[0][1]]
    assert all(length >= writeback.PIECE for _, length, _ in advice)
