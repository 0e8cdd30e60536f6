from __future__ import annotations

import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from leyden.errors import CheckpointError
from leyden_checkpoint_io_torch import DamagedCheckpointError, MissingCheckpointError, TorchCheckpointIO
from leyden_checkpoint_io_torch.seal import COMMENT, verify

CONTENT: dict[str, Any] = {
    "epoch": 3,
    "state_dict": {"w": torch.arange(7.0), "b": torch.ones(2, dtype=torch.int64)},
    "hyper_parameters": {"name": "digits", "lr": 0.1},
}


def same(found: dict[str, Any]) -> bool:
    states = found["state_dict"]
    return (
        list(found) == list(CONTENT)
        and (found["epoch"], found["hyper_parameters"]) == (3, CONTENT["hyper_parameters"])
        and list(states) == ["w", "b"]
        and all(torch.equal(states[name], one) for name, one in CONTENT["state_dict"].items())
    )


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.ckpt"
    TorchCheckpointIO().save_checkpoint(CONTENT, path)
    return path


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.ckpt"
    torch.save(CONTENT, path)
    return path


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_flipped_bit_in_every_byte_is_detected(ours: Path) -> None:
    data, missed = ours.read_bytes(), []
    with ours.open("r+b", buffering=0) as file:
        for position, byte in enumerate(data):
            os.pwrite(file.fileno(), bytes([byte ^ 1 << position % 8]), position)
            try:
                verify(str(ours))
            except DamagedCheckpointError:
                os.pwrite(file.fileno(), bytes([byte]), position)
                continue
            missed.append(position)
    assert missed == []
    assert same(TorchCheckpointIO().load_checkpoint(ours))


def test_every_truncation_is_detected(ours: Path) -> None:
    missed = []
    for length in range(ours.stat().st_size - 1, -1, -1):
        os.truncate(ours, length)
        try:
            TorchCheckpointIO().load_checkpoint(ours)
        except CheckpointError:
            continue
        missed.append(length)
    assert missed == []


@pytest.mark.parametrize("size", [1, 16, COMMENT, COMMENT + 22, 512])
@pytest.mark.parametrize("filling", [b"\0", b"\xff"])
def test_every_overwritten_block_is_detected(ours: Path, size: int, filling: bytes) -> None:
    data = ours.read_bytes()
    for start in [*range(0, len(data) - size, max(size // 2, 37)), len(data) - size]:
        changed = data[:start] + filling * size + data[start + size :]
        ours.write_bytes(changed)
        if changed != data:
            with pytest.raises(CheckpointError, match=r"ours\.ckpt"):
                TorchCheckpointIO().load_checkpoint(ours)


@pytest.mark.parametrize("extra", [b"\0", b"x" * 100, b"PK\x05\x06" + bytes(18)])
def test_bytes_behind_the_end_are_detected(ours: Path, extra: bytes) -> None:
    ours.write_bytes(ours.read_bytes() + extra)
    with pytest.raises(CheckpointError, match=r"ours\.ckpt"):
        TorchCheckpointIO().load_checkpoint(ours)


def test_a_file_whose_end_is_another_files_is_detected(tmp_path: Path, ours: Path) -> None:
    other = tmp_path / "other.ckpt"
    TorchCheckpointIO().save_checkpoint({**CONTENT, "epoch": 4}, other)
    ours.write_bytes(ours.read_bytes()[:-COMMENT] + other.read_bytes()[-COMMENT:])
    with pytest.raises(DamagedCheckpointError, match="checksum"):
        TorchCheckpointIO().load_checkpoint(ours)


def test_a_changed_foreign_file_is_refused_or_holds_what_was_written(foreign: Path) -> None:
    """Other programs' archives hold checksums of their records alone; bits that carry nothing may change."""
    data, detected = foreign.read_bytes(), 0
    bits = random.Random(0).sample(range(8 * len(data)), 400)
    for bit in bits:
        foreign.write_bytes(flipped(data, bit))
        try:
            assert same(TorchCheckpointIO().load_checkpoint(foreign)), f"bit {bit} changed what was loaded"
        except CheckpointError:
            detected += 1
    assert detected > 100


def test_a_foreign_file_that_was_cut_off_is_refused(foreign: Path) -> None:
    data = foreign.read_bytes()
    for length in random.Random(0).sample(range(len(data)), 200):
        foreign.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"foreign\.ckpt"):
            TorchCheckpointIO().load_checkpoint(foreign)


def test_a_changed_weight_of_a_foreign_file_is_detected_where_torch_loads_it(foreign: Path) -> None:
    data = foreign.read_bytes()
    position = data.index(CONTENT["state_dict"]["w"].numpy().tobytes())
    foreign.write_bytes(flipped(data, 8 * (position + 6)))
    assert not same(torch.load(foreign, weights_only=True))
    with pytest.raises(DamagedCheckpointError, match="record 'foreign/data/0'"):
        TorchCheckpointIO().load_checkpoint(foreign)


def test_a_record_that_became_a_folder_is_detected(foreign: Path) -> None:
    """One bit in the archive's directory, and torch hands out weights that nobody wrote."""
    data = foreign.read_bytes()
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"foreign/data/0"))
    foreign.write_bytes(flipped(data, 8 * (entry + 38) + 4))
    with pytest.raises(DamagedCheckpointError, match="record 'foreign/data/0' is marked as a folder"):
        TorchCheckpointIO().load_checkpoint(foreign)


def test_without_verification_a_changed_weight_is_loaded(ours: Path) -> None:
    data = ours.read_bytes()
    position = data.index(CONTENT["state_dict"]["w"].numpy().tobytes())
    ours.write_bytes(flipped(data, 8 * (position + 6)))
    assert not same(TorchCheckpointIO(verify=False).load_checkpoint(ours))
    with pytest.raises(DamagedCheckpointError):
        TorchCheckpointIO().load_checkpoint(ours)


def test_an_empty_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "empty.ckpt").touch()
    with pytest.raises(DamagedCheckpointError, match=r"empty\.ckpt' is damaged: it is empty"):
        TorchCheckpointIO().load_checkpoint(tmp_path / "empty.ckpt")
    assert not TorchCheckpointIO().exists(tmp_path / "empty.ckpt")


@pytest.mark.parametrize("content", [b"hello", b"PK", b"PK\x03\x04", bytes(1000), b"\x80\x02}q\x00."])
def test_other_files_are_no_checkpoints(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.ckpt").write_bytes(content)
    for weights_only in (True, False):
        with pytest.raises(CheckpointError, match=r"other\.ckpt"):
            TorchCheckpointIO().load_checkpoint(tmp_path / "other.ckpt", weights_only=weights_only)


def test_a_missing_file_is_a_file_that_was_not_found(tmp_path: Path) -> None:
    with pytest.raises(MissingCheckpointError, match=r"There is no checkpoint: '.*missing\.ckpt'") as caught:
        TorchCheckpointIO().load_checkpoint(tmp_path / "missing.ckpt")
    assert isinstance(caught.value, FileNotFoundError) and isinstance(caught.value, CheckpointError)
    assert caught.value.filename == str(tmp_path / "missing.ckpt")


def test_errors_pass_from_process_to_process(tmp_path: Path, ours: Path) -> None:
    ours.write_bytes(ours.read_bytes()[:-1])
    for path in (ours, tmp_path / "missing.ckpt"):
        with pytest.raises(CheckpointError) as caught:
            TorchCheckpointIO().load_checkpoint(path)
        copy = pickle.loads(pickle.dumps(caught.value))
        assert (type(copy), str(copy)) == (caught.type, str(caught.value))


def test_a_folder_is_not_read_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="Is a directory"):
        TorchCheckpointIO().load_checkpoint(tmp_path)


def test_a_file_that_holds_no_dict_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save(torch.ones(2), tmp_path / "tensor.pt")
    with pytest.raises(CheckpointError, match="holds a Tensor, and a checkpoint is a dict"):
        TorchCheckpointIO().load_checkpoint(tmp_path / "tensor.pt")


def test_what_is_cut_off_does_not_exist_as_a_whole(ours: Path, foreign: Path) -> None:
    io = TorchCheckpointIO()
    for path in (ours, foreign):
        data = path.read_bytes()
        assert io.exists(path)
        for length in [*range(0, len(data), 97), len(data) - 1]:
            path.write_bytes(data[:length])
            assert not io.exists(path) or length < 4
