"""What is not plain data is named, and never run, unless the caller says so."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from leyden.errors import CheckpointError
from leyden_checkpoint_io_torch import TorchCheckpointIO, UnsafeCheckpointError


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.folder,)


class Config:
    def __init__(self, inner: Any = None) -> None:
        self.inner = inner


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner


def wrap(place: str, payload: Any) -> dict[Any, Any]:
    content: dict[str, dict[Any, Any]] = {
        "['hyper_parameters']['act']": {"hyper_parameters": {"lr": 0.1, "act": payload}},
        "['callbacks'][0][1]": {"callbacks": [(1, payload)]},
        "['state_dict']['w']": {"state_dict": OrderedDict(a=torch.ones(2), w=payload)},
        "[7]": {7: payload},
    }
    return content[place]


PLACES = ["['hyper_parameters']['act']", "['callbacks'][0][1]", "['state_dict']['w']", "[7]"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("old", [False, True])
def test_a_payload_is_named_and_not_run(tmp_path: Path, place: str, old: bool) -> None:
    path, trap = tmp_path / "evil.ckpt", tmp_path / "trap"
    torch.save(wrap(place, Payload(trap)), path, _use_new_zipfile_serialization=not old)
    with pytest.raises(UnsafeCheckpointError) as caught:
        TorchCheckpointIO().load_checkpoint(path)
    assert not trap.exists()
    text = str(caught.value)
    assert f"checkpoint{place} needs {os.mkdir.__module__}.mkdir" in text
    assert "evil.ckpt" in text and "add_safe_globals" in text and "weights_only=False" in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_payloads_of_every_pickle_protocol_are_named_and_not_run(tmp_path: Path, protocol: int) -> None:
    path, trap = tmp_path / "evil.ckpt", tmp_path / "trap"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("evil/data.pkl", pickle.dumps({"a": [Payload(trap)]}, protocol))
        archive.writestr("evil/version", "3\n")
    with pytest.raises(CheckpointError, match=r"evil\.ckpt"):
        TorchCheckpointIO().load_checkpoint(path)
    assert not trap.exists()
    if protocol == torch.serialization.DEFAULT_PROTOCOL:
        with pytest.raises(UnsafeCheckpointError, match=r"checkpoint\['a'\]\[0\] needs"):
            TorchCheckpointIO().load_checkpoint(path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (nn.Linear(1, 1), "checkpoint['hparams'] needs torch.nn.modules.linear.Linear"),
        ([nn.ReLU()], "checkpoint['hparams'][0] needs torch.nn.modules.activation.ReLU"),
        (nn.Linear, "checkpoint['hparams'] needs torch.nn.modules.linear.Linear"),
        (Fraction(1, 2), "checkpoint['hparams'] needs fractions.Fraction"),
        (partial(print, 1), "checkpoint['hparams'] needs functools.partial"),
        (Config(), f"checkpoint['hparams'] needs {__name__}.Config"),
        ({Fraction(1, 2): 0}, "checkpoint['hparams']<key> needs fractions.Fraction"),
    ],
)
def test_the_key_and_the_type_are_named(tmp_path: Path, value: Any, expected: str) -> None:
    TorchCheckpointIO().save_checkpoint({"hparams": value}, tmp_path / "model.ckpt")
    with pytest.raises(UnsafeCheckpointError) as caught:
        TorchCheckpointIO().load_checkpoint(tmp_path / "model.ckpt")
    assert expected in str(caught.value)


def test_several_are_named_outermost_first(tmp_path: Path) -> None:
    content = {"a": Config({"x": Fraction(1, 2)}), "b": Slotted(complex), "c": Config(3)}
    TorchCheckpointIO().save_checkpoint(content, tmp_path / "model.ckpt")
    with pytest.raises(UnsafeCheckpointError) as caught:
        TorchCheckpointIO().load_checkpoint(tmp_path / "model.ckpt")
    text = str(caught.value)
    expected = [f"['a'] needs {__name__}.Config", "['b'] needs ", "['a'].inner['x'] needs fractions.Fraction"]
    positions = [text.index(one) for one in expected]
    assert positions == sorted(positions)


def test_types_that_the_caller_allowed_are_loaded(tmp_path: Path) -> None:
    TorchCheckpointIO().save_checkpoint({"a": Config(3), "b": Fraction(1, 2)}, tmp_path / "model.ckpt")
    with torch.serialization.safe_globals([Config]):
        with pytest.raises(UnsafeCheckpointError) as caught:
            TorchCheckpointIO().load_checkpoint(tmp_path / "model.ckpt")
        assert "Fraction" in str(caught.value) and "Config" not in str(caught.value)
    TorchCheckpointIO().save_checkpoint({"a": Config(3)}, tmp_path / "model.ckpt")
    with torch.serialization.safe_globals([Config]):
        assert TorchCheckpointIO().load_checkpoint(tmp_path / "model.ckpt")["a"].inner == 3


def test_everything_is_loaded_when_the_caller_says_so(tmp_path: Path) -> None:
    path, trap = tmp_path / "evil.ckpt", tmp_path / "trap"
    TorchCheckpointIO().save_checkpoint({"a": Payload(trap)}, path)
    TorchCheckpointIO().load_checkpoint(path, weights_only=False)
    assert trap.exists()


def test_no_variable_of_the_environment_makes_loading_unsafe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, trap = tmp_path / "evil.ckpt", tmp_path / "trap"
    TorchCheckpointIO().save_checkpoint({"a": Payload(trap)}, path)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    for weights_only in (True, None):
        with pytest.raises(UnsafeCheckpointError):
            TorchCheckpointIO().load_checkpoint(path, weights_only=weights_only)  # type: ignore[arg-type]
    assert not trap.exists()


def test_what_the_files_own_code_raises_is_told(tmp_path: Path) -> None:
    path, trap = tmp_path / "evil.ckpt", tmp_path / "trap"
    trap.mkdir()
    TorchCheckpointIO().save_checkpoint({"a": Payload(trap)}, path)
    with pytest.raises(CheckpointError, match=r"evil\.ckpt' cannot be read: File exists"):
        TorchCheckpointIO().load_checkpoint(path, weights_only=False)


def test_a_program_instead_of_a_checkpoint_is_refused(tmp_path: Path) -> None:
    class Plain(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.warns(DeprecationWarning):
        torch.jit.save(torch.jit.trace(Plain(), torch.ones(1)), str(tmp_path / "program.pt"))
    with pytest.raises(CheckpointError, match=r"program\.pt"):
        TorchCheckpointIO().load_checkpoint(tmp_path / "program.pt")
