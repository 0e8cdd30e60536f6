from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import leyden
from leyden.cli import main
from leyden.testing import TinyData, TinyModule
from leyden_command_checkpoint.report import size


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = leyden.Trainer(max_epochs=1, default_root_dir=folder, enable_checkpointing=False, **quiet)
    trainer.fit(TinyModule(), datamodule=TinyData())
    trainer.save_checkpoint(folder / "a.ckpt")
    trainer.save_checkpoint(folder / "weights.ckpt", weights_only=True)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    status = main(["checkpoint", *map(str, arguments)])
    seen = capsys.readouterr()
    return status, seen.out, seen.err


def test_show(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "show", saved / "a.ckpt")
    assert status == 0
    lines = dict(line.split(None, 1) for line in out.splitlines() if len(line.split(None, 1)) == 2)
    assert lines["kind"] == "checkpoint"
    assert lines["parameters"] == "5 in 2 tensors (float32)"
    assert lines["place"].startswith("epoch 1, batch 2")
    assert lines["hyper_parameters.learning_rate"] == "0.1"
    assert lines["checksum"].startswith("crc32:")
    assert f"leyden-kernel {leyden.__version__}" in lines["plugins"]
    assert "state_dict 20 B" in lines["sections"]


def test_show_as_json_reads_no_tensor(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    load = torch.load
    monkeypatch.setattr(
        torch, "load", lambda *args, **keywords: (seen.append(keywords), load(*args, **keywords))[1]
    )
    status, out, _ = run(capsys, "show", saved / "a.ckpt", "--json", "--keys")
    found = json.loads(out)
    assert (status, found["written by"]) == (0, f"Leyden {leyden.__version__}")
    assert found["keys"] == {"layer.weight": "float32 [1, 4]", "layer.bias": "float32 [1]"}
    assert found["bytes"] == (saved / "a.ckpt").stat().st_size
    assert [(one["mmap"], one["weights_only"]) for one in seen] == [(True, True)]


def test_show_what_has_less(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "weights" in run(capsys, "show", saved / "weights.ckpt")[1]
    torch.save({"a": torch.zeros(3)}, tmp_path / "bare.pt")
    assert "3 in 1 tensors" in run(capsys, "show", tmp_path / "bare.pt")[1]
    torch.save(
        {"state_dict": {"a": torch.zeros(3)}}, tmp_path / "old.pt", _use_new_zipfile_serialization=False
    )
    assert "3 in 1 tensors" in run(capsys, "show", tmp_path / "old.pt")[1]
    torch.save([1], tmp_path / "list.pt")
    assert "list" in run(capsys, "show", tmp_path / "list.pt")[1]


class Code:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("executed"),))


def test_show_and_convert_run_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "hyper_parameters": {"x": Code()}}, "evil.ckpt")
    status, out, _ = run(capsys, "show", "evil.ckpt")
    assert status == 0
    assert "checkpoint['hyper_parameters']['x']" in out
    status, _, err = run(capsys, "convert", "evil.ckpt", "out.ckpt")
    assert status == 2 and "evil.ckpt" in err
    assert {one.name for one in tmp_path.iterdir()} == {"evil.ckpt"}


def test_verify(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (saved / "a.ckpt").read_bytes()
    (tmp_path / "good.ckpt").write_bytes(good)
    (tmp_path / "flipped.ckpt").write_bytes(good[:500] + bytes([good[500] ^ 1]) + good[501:])
    (tmp_path / "cut.ckpt").write_bytes(good[:-100])
    (tmp_path / "empty.ckpt").write_bytes(b"")
    torch.save({"a": 1}, tmp_path / "torch.pt")
    assert run(capsys, "verify", tmp_path / "good.ckpt", tmp_path / "torch.pt")[0] == 0
    status, out, err = run(capsys, "verify", *sorted(tmp_path.iterdir()), tmp_path / "missing.ckpt")
    assert status == 1
    assert "good.ckpt: ok (crc32:" in out and "torch.pt: ok (checksums" in out
    for name in ("flipped.ckpt", "cut.ckpt", "empty.ckpt", "missing.ckpt"):
        assert f"{name}: " in err


def test_convert(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = torch.load(saved / "a.ckpt")
    for to in ("checkpoint", "weights", "state-dict"):
        status, out, _ = run(capsys, "convert", saved / "a.ckpt", tmp_path / f"{to}.ckpt", "--to", to)
        assert (status, out.strip()) == (0, str(tmp_path / f"{to}.ckpt"))
    assert set(torch.load(tmp_path / "checkpoint.ckpt")) == set(source)
    assert set(torch.load(tmp_path / "weights.ckpt")) == set(torch.load(saved / "weights.ckpt"))
    assert list(torch.load(tmp_path / "state-dict.ckpt")) == ["layer.weight", "layer.bias"]
    module = TinyModule.load_from_checkpoint(tmp_path / "weights.ckpt")
    assert torch.equal(module.layer.weight, source["state_dict"]["layer.weight"])


def weights(path: Path, value: float, **more: Any) -> Path:
    torch.save({"state_dict": {"w": torch.full((2,), value), "n": torch.tensor(int(value)), **more}}, path)
    return path


def test_average(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [weights(tmp_path / f"{value}.ckpt", value) for value in (1.0, 2.0, 6.0)]
    assert run(capsys, "average", *paths, "-o", tmp_path / "mean.ckpt")[0] == 0
    found = torch.load(tmp_path / "mean.ckpt")["state_dict"]
    assert found["w"].tolist() == [3.0, 3.0] and found["w"].dtype == torch.float32
    assert found["n"] == 6
    assert run(capsys, "average", *paths[:2], "-w", 3, "-w", 1, "-o", tmp_path / "mean.ckpt")[0] == 0
    assert torch.load(tmp_path / "mean.ckpt")["state_dict"]["w"].tolist() == [1.25, 1.25]


def test_average_of_what_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = weights(tmp_path / "a.ckpt", 1.0), weights(tmp_path / "b.ckpt", 1.0, x=torch.zeros(1))
    wide = weights(tmp_path / "c.ckpt", 1.0)
    torch.save({"state_dict": {"w": torch.zeros(3), "n": torch.tensor(1)}}, wide)
    output = tmp_path / "mean.ckpt"
    status, _, err = run(capsys, "average", one, other, "-o", output)
    assert status == 2 and "lacks x" in err and "b.ckpt" in err
    status, _, err = run(capsys, "average", one, wide, "-o", output)
    assert status == 2 and "c.ckpt: w has the shape [3]" in err
    assert run(capsys, "average", one, other, "-w", 1, "-o", output)[0] == 2
    assert run(capsys, "average", one, "-w", -1, "-o", output)[0] == 2
    assert not output.exists()


def test_missing_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("show", "no.ckpt"), ("convert", "no.ckpt", "x"), ("average", "no.ckpt", "-o", "x")):
        status, _, err = run(capsys, *arguments)
        assert status == 2 and "no.ckpt" in err


def test_sizes() -> None:
    assert [size(one) for one in (0, 1023, 1536, 3 * 2**30)] == ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]
