"""The checksum of a file is the one of its bytes, however it was found."""

from __future__ import annotations

import os
import random
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden_checkpoint_io_torch import TorchCheckpointIO, crc, seal

LARGE = 300_000  # floats: more than a megabyte


def sum_of_all(path: Path) -> bytes:
    """The comment that a sealed file must have."""
    content = path.read_bytes()[: -seal.COMMENT - 2] + b"\0\0"
    return seal.comment(zlib.crc32(content))


@pytest.mark.parametrize("length", [0, 1, 7, 4096, 1_000_003])
def test_checksums_are_joined(length: int) -> None:
    chance = random.Random(length)
    one, other = chance.randbytes(1000), chance.randbytes(length)
    assert crc.joined(zlib.crc32(one), zlib.crc32(other), length) == zlib.crc32(one + other)


@pytest.mark.parametrize("sizes", [[10], [LARGE], [LARGE, LARGE + 1], [LARGE, 3, 2 * LARGE, 0]])
def test_large_records_and_small_ones(sizes: list[int], tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    TorchCheckpointIO().save_checkpoint({str(one): torch.rand(one) for one in sizes}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.comment == sum_of_all(path)
    TorchCheckpointIO().check_checkpoint(path)


def test_bytes_of_large_records_are_gone_through_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    computed = zlib.crc32

    def counted(data: Any, value: int = 0) -> int:
        seen.append(len(data))
        return computed(data, value)

    monkeypatch.setattr(zlib, "crc32", counted)
    TorchCheckpointIO().save_checkpoint({"w": torch.rand(LARGE)}, tmp_path / "a.ckpt")
    assert 0 < sum(seen) < 10_000


@pytest.mark.parametrize("how", ["no checksums of records", "another layout"])
def test_what_torch_does_not_say_is_computed(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.serialization.get_crc32_options()
    if how == "another layout":
        monkeypatch.setattr(seal, "RECORD_MARK", b"????")
    path = tmp_path / "a.ckpt"
    torch.serialization.set_crc32_options(how == "another layout")
    try:
        TorchCheckpointIO().save_checkpoint({"w": torch.rand(LARGE), "x": torch.rand(LARGE)}, path)
    finally:
        torch.serialization.set_crc32_options(before)
    assert path.read_bytes().endswith(sum_of_all(path))
    TorchCheckpointIO().check_checkpoint(path)


def test_a_damaged_large_record_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    TorchCheckpointIO().save_checkpoint({"w": torch.rand(LARGE)}, path)
    with path.open("r+b") as file:
        file.seek(LARGE)
        changed = bytes([file.read(1)[0] ^ 1])
        file.seek(-1, os.SEEK_CUR)
        file.write(changed)
    with pytest.raises(Exception, match=r"a\.ckpt.* is damaged"):
        TorchCheckpointIO().load_checkpoint(path)
