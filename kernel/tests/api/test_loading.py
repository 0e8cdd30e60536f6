"""Modules and data modules made from checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet, same
from torch.optim import SGD

from leyden import LightningDataModule, LightningModule
from leyden.api.warn import LeydenWarning
from leyden.errors import CheckpointError, ConfigurationError


class Sized(Linear):
    """A module with hyper-parameters."""

    def __init__(self, width: int, depth: int = 2) -> None:
        super().__init__()
        self.save_hyperparameters()


class Data(LightningDataModule):
    """Data with a hyper-parameter."""

    def __init__(self, size: int = 6) -> None:
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self) -> Any:
        return numbers(self.hparams.size)


def written(tmp_path: Path, module: LightningModule) -> Path:
    """A checkpoint of a module."""
    trainer = quiet()
    trainer.fit(module, numbers())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    return tmp_path / "a.ckpt"


def test_a_module_is_made_from_its_hyper_parameters_and_weights_without_touching_random_numbers(
    tmp_path: Path,
) -> None:
    module = Sized(3, depth=4)
    path = written(tmp_path, module)
    state = torch.get_rng_state()
    made = Sized.load_from_checkpoint(path)
    assert torch.equal(torch.get_rng_state(), state)
    assert made.hparams == {"width": 3, "depth": 4}
    assert same(made.state_dict(), module.state_dict())
    assert Sized.load_from_checkpoint(path, depth=9).hparams == {"width": 3, "depth": 9}
    assert Data.load_from_checkpoint(written_data(tmp_path)).hparams == {"size": 4}


def written_data(tmp_path: Path) -> Path:
    """A checkpoint of a data module of another size."""
    trainer = quiet()
    trainer.fit(Linear(), datamodule=Data(size=4))
    trainer.save_checkpoint(tmp_path / "data.ckpt")
    return tmp_path / "data.ckpt"


class Drawing(Data):
    """Draws while it is made."""

    def __init__(self, size: int = 6) -> None:
        super().__init__(size)
        torch.rand(1)


class Late(Sized):
    """Makes layers late."""

    def configure_model(self) -> None:
        self.more = torch.nn.Linear(2, 2)


def test_nothing_that_is_made_while_loading_touches_random_numbers(tmp_path: Path) -> None:
    path, data = written(tmp_path, Late(3)), written_data(tmp_path)
    state = torch.get_rng_state()
    assert isinstance(Late.load_from_checkpoint(path).more, torch.nn.Linear)
    Drawing.load_from_checkpoint(data)
    assert torch.equal(torch.get_rng_state(), state)


class Unsaved(Linear):
    """A module whose needed argument was not saved."""

    def __init__(self, width: int) -> None:
        super().__init__()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, Unsaved(3))
    with pytest.raises(
        ConfigurationError, match=r"Unsaved needs 'width'.*load_from_checkpoint\(path, width=…\)"
    ):
        Unsaved.load_from_checkpoint(path)
    assert isinstance(Unsaved.load_from_checkpoint(path, width=3), Unsaved)


def test_hyper_parameters_that_are_no_plain_data_are_left_out_and_told(tmp_path: Path) -> None:
    module = Linear()
    module.save_hyperparameters(
        {"net": torch.nn.ReLU(), "rate": 0.1, "path": tmp_path, "size": torch.Size([2])}
    )
    with pytest.warns(LeydenWarning, match=r"\[hparams-dropped\].*net \(ReLU\)"):
        path = written(tmp_path, module)
    assert torch.load(path, weights_only=True)["hyper_parameters"] == {
        "rate": 0.1, "path": str(tmp_path), "size": torch.Size([2]),
    }  # fmt: skip


def test_weights_that_do_not_fit_are_an_error_unless_strict_is_off(tmp_path: Path) -> None:
    class Wider(Linear):
        def __init__(self) -> None:
            super().__init__()
            self.more = torch.nn.Linear(1, 1)

    path = written(tmp_path, Linear(lambda m: SGD(m.parameters(), lr=0.1)))
    with pytest.raises((RuntimeError, CheckpointError), match=r"more\.weight"):
        Wider.load_from_checkpoint(path)
    with pytest.warns(LeydenWarning, match=r"\[partial-weights\].*'more.bias', 'more.weight'"):
        Wider.load_from_checkpoint(path, strict=False)
