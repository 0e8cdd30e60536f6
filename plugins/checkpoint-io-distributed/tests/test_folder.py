from __future__ import annotations

import json
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden.errors import CheckpointError, ConfigurationError
from leyden.testing import TinyData, TinyModule
from leyden_checkpoint_io_distributed import DistributedCheckpointIO, folder
from leyden_checkpoint_io_distributed.parts import joined, split
from leyden_checkpoint_io_torch import DamagedCheckpointError, TorchCheckpointIO


def content(number: int = 1) -> dict[str, Any]:
    weight = torch.full((4, 3), float(number))
    states = {"state": {0: {"step": torch.tensor(2.0), "exp": weight + 1}}, "param_groups": [{"lr": 0.1}]}
    return {
        "epoch": number,
        "state_dict": {"w": weight, "half": weight.to(torch.bfloat16), "extra": "text"},
        "optimizer_states": [states],
        "leyden": {"rng": {"torch": torch.arange(5)}},
    }


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.ckpt"
    DistributedCheckpointIO().save_checkpoint(content(), path)
    return path


def test_what_is_in_a_folder(saved: Path) -> None:
    names = {one.name for one in saved.iterdir()}
    assert {".metadata", "meta.pt", "checksums.json"} < names
    assert set(json.loads((saved / "checksums.json").read_text())) == names - {"checksums.json"}
    found = DistributedCheckpointIO().load_checkpoint(saved)
    assert found["state_dict"]["half"].dtype == torch.bfloat16
    assert found["state_dict"]["extra"] == "text"
    assert torch.equal(found["optimizer_states"][0]["state"][0]["exp"], torch.full((4, 3), 2.0))
    meta = DistributedCheckpointIO().load_checkpoint(saved, "meta")
    assert meta["state_dict"]["w"].is_meta and meta["epoch"] == 1


def test_parts_are_put_together_again() -> None:
    tensors, rest = split(content())
    assert "model.w" in tensors and "optimizer.0.state.0.exp" in tensors and "leyden" in rest
    again = joined(rest, tensors)
    assert again["state_dict"]["w"].data_ptr() == tensors["model.w"].data_ptr()
    assert again["optimizer_states"][0]["param_groups"] == [{"lr": 0.1}]


@pytest.mark.parametrize("name", [".metadata", "meta.pt", "__0_0.distcp", "checksums.json"])
@pytest.mark.parametrize("kind", ["flipped", "cut off", "missing"])
def test_damage_to_any_file_is_named(saved: Path, name: str, kind: str) -> None:
    file = saved / name
    data = file.read_bytes()
    half = len(data) // 2
    if kind == "missing":
        file.unlink()
    else:
        file.write_bytes(
            data[:half] if kind == "cut off" else data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
        )
    if (name, kind) == ("checksums.json", "missing"):
        DistributedCheckpointIO().load_checkpoint(saved)
        return
    for action in (DistributedCheckpointIO().load_checkpoint, DistributedCheckpointIO().check_checkpoint):
        with pytest.raises((CheckpointError, FileNotFoundError), match=r"a\.ckpt"):
            action(saved)


class Payload:
    def __reduce__(self) -> Any:
        return os.mkdir, ("trap",)


def test_metadata_run_nothing(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (saved / "checksums.json").unlink()
    good = pickle.loads((saved / ".metadata").read_bytes())
    for bad in (Payload(), [good, Payload()]):
        (saved / ".metadata").write_bytes(pickle.dumps(bad))
        with pytest.raises(CheckpointError, match=r"a\.ckpt.*it needs posix\.mkdir"):
            DistributedCheckpointIO().load_checkpoint(saved)
    for module, name in (("torch.distributed.checkpoint.filesystem", "os.mkdir"), ("builtins", "eval")):
        code = f"c{module}\n{name}\n(S'trap'\ntR.".encode()
        (saved / ".metadata").write_bytes(code)
        with pytest.raises(CheckpointError, match="it needs"):
            DistributedCheckpointIO().load_checkpoint(saved)
    assert not (tmp_path / "trap").exists()


def test_objects_among_shards_are_refused(tmp_path: Path) -> None:
    from torch.distributed.checkpoint.filesystem import FileSystemWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    with pytest.warns(UserWarning, match=r"torch\.distributed is disabled"):
        save({"model.x": [1]}, storage_writer=FileSystemWriter(tmp_path / "b.ckpt"), no_dist=True)
    TorchCheckpointIO().save_checkpoint({"state_dict": {}}, tmp_path / "b.ckpt" / "meta.pt")
    with pytest.raises(CheckpointError, match=r"b\.ckpt.*objects among its shards.*model\.x"):
        DistributedCheckpointIO().load_checkpoint(tmp_path / "b.ckpt")


@pytest.mark.parametrize("swap", [True, False])
def test_the_next_takes_the_place_of_the_one_before(
    swap: bool, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not swap:
        monkeypatch.setattr(folder, "exchanged", lambda one, other: False)
    DistributedCheckpointIO().save_checkpoint(content(2), saved)
    assert DistributedCheckpointIO().load_checkpoint(saved)["epoch"] == 2
    assert [one.name for one in saved.parent.iterdir()] == ["a.ckpt"]
    assert not (saved / ".lock").exists()


def test_a_file_gives_way_to_a_folder(tmp_path: Path) -> None:
    TorchCheckpointIO().save_checkpoint(content(), tmp_path / "a.ckpt")
    assert DistributedCheckpointIO().load_checkpoint(tmp_path / "a.ckpt")["epoch"] == 1
    DistributedCheckpointIO().save_checkpoint(content(2), tmp_path / "a.ckpt")
    assert DistributedCheckpointIO().load_checkpoint(tmp_path / "a.ckpt")["epoch"] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_a_killed_writer_left_is_removed_by_the_next_save(saved: Path) -> None:
    child = os.fork()
    if not child:
        folder.write_checksums(folder.Hidden(str(saved)).hidden, {})
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(list(saved.parent.iterdir())) == 2
    assert DistributedCheckpointIO().load_checkpoint(saved)["epoch"] == 1
    held = folder.Hidden(str(saved.parent / "other.ckpt"))
    DistributedCheckpointIO().save_checkpoint(content(2), saved)
    assert {one.name for one in saved.parent.iterdir()} == {"a.ckpt", Path(held.hidden).name}
    held.discard()


def test_a_fit_goes_on(tmp_path: Path) -> None:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    for epochs, path in ((1, None), (2, "auto")):
        trainer = leyden.Trainer(
            max_epochs=epochs, default_root_dir=tmp_path, plugins=[DistributedCheckpointIO()], **quiet
        )
        trainer.fit(TinyModule(), datamodule=TinyData(), ckpt_path=path)
    assert trainer.global_step == 4
    assert trainer.ckpt_path is not None and Path(trainer.ckpt_path).name == "epoch=0-step=2.ckpt"


def test_what_is_refused() -> None:
    for arguments in (({}, "s3://a"), ({}, 3), ({}, "a", {})):
        with pytest.raises(ConfigurationError):
            DistributedCheckpointIO().save_checkpoint(*arguments)  # type: ignore[arg-type]
    assert issubclass(DamagedCheckpointError, CheckpointError)
