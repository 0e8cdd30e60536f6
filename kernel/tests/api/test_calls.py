"""What a call is given, and what is missing or wrong in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet

from leyden import Callback, LightningDataModule, LightningModule
from leyden.api.warn import LeydenWarning
from leyden.errors import ArgumentTypeError, ConfigurationError, DetachedError, UserCodeError

CALLS = ("fit", "validate", "test", "predict")


class Data(LightningDataModule):
    """Data for every stage."""

    def train_dataloader(self) -> Any:
        return numbers()

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader


class Full(Linear):
    """A module for every stage."""

    def validation_step(self, batch: Any, batch_idx: int) -> None: ...

    test_step = validation_step


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "model", [3, "model", torch.nn.Linear(1, 1), Full], ids=["int", "str", "module", "class"]
)
def test_what_is_no_module_is_refused_with_a_hint(call: str, model: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=rf"Trainer.{call}\(model\)=") as caught:
        getattr(quiet(), call)(model, numbers())
    assert ("Full()" if model is Full else "LightningModule") in str(caught.value)


@pytest.mark.parametrize("call", CALLS[1:])
def test_without_a_model_the_last_one_is_taken(call: str) -> None:
    trainer = quiet()
    with pytest.raises(ArgumentTypeError, match=f"Trainer.{call} needs a model"):
        getattr(trainer, call)(dataloaders=numbers())
    module = Full()
    trainer.fit(module, numbers(), numbers())
    getattr(trainer, call)(dataloaders=numbers())
    assert trainer.lightning_module is module


@pytest.mark.parametrize("call", CALLS)
def test_data_may_be_a_data_module_in_the_loaders_place(call: str) -> None:
    data = Data()
    trainer = quiet()
    getattr(trainer, call)(Full(), data)
    assert trainer.datamodule is data
    assert data.trainer is trainer
    with pytest.raises(ConfigurationError, match="datamodule as datamodule and one as loaders"):
        getattr(trainer, call)(Full(), data, datamodule=data)


@pytest.mark.parametrize("call", CALLS)
def test_loaders_and_a_data_module_are_one_too_many(call: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"Trainer.{call} got both (train_)?dataloaders and datamodule"
    ):
        getattr(quiet(), call)(Full(), numbers(), datamodule=Data())
    with pytest.raises(ArgumentTypeError, match=rf"Trainer.{call}\(datamodule\)=3"):
        getattr(quiet(), call)(Full(), datamodule=3)


@pytest.mark.parametrize("call", CALLS)
def test_without_data_the_ways_to_give_some_are_told(call: str) -> None:
    with pytest.raises(UserCodeError, match=f"Trainer.{call} has no data: define .*_dataloader in Full"):
        getattr(quiet(), call)(Full())


class Bare(LightningModule):
    """A module without anything."""


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("fit", "Bare has no training_step"),
        ("validate", "Bare has no validation_step"),
        ("test", "Bare has no test_step"),
        ("predict", "Bare has neither predict_step nor forward"),
    ],
)
def test_a_missing_method_is_named(call: str, text: str) -> None:
    with pytest.raises(UserCodeError, match=text):
        getattr(quiet(), call)(Bare(), numbers())


@pytest.mark.parametrize("method", ["training_epoch_end", "validation_epoch_end"])
def test_what_lightning_removed_is_named_with_the_remedy(method: str) -> None:
    with pytest.raises(UserCodeError, match=rf"Linear.{method}\(outputs\) is Lightning 1.x.*leyden-legacy"):
        quiet().fit(Linear(None, **{method: lambda self, outputs: None}), numbers())


def test_half_a_validation_is_told() -> None:
    with pytest.warns(LeydenWarning, match="no-validation-step"):
        quiet().fit(Linear(), numbers(), numbers())
    with pytest.warns(LeydenWarning, match="no-validation-data"):
        quiet().fit(Full(), numbers())


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.ckpt' does not exist"):
        quiet().fit(Linear(), numbers(), ckpt_path=tmp_path / "nowhere.ckpt")
    with pytest.raises(ArgumentTypeError, match="ckpt_path=3"):
        quiet().fit(Linear(), numbers(), ckpt_path=3)  # type: ignore[arg-type]


def test_the_best_checkpoint_needs_somebody_who_keeps_it() -> None:
    with pytest.raises(ConfigurationError, match="ckpt_path='best' needs a callback"):
        quiet().validate(Full(), numbers(), ckpt_path="best")
    with pytest.warns(LeydenWarning, match="no-last"):
        quiet().fit(Linear(), numbers(), ckpt_path="last")


def test_a_compiled_module_is_the_module_inside() -> None:
    class Compiled:
        def __init__(self, module: Any) -> None:
            self._orig_mod = module

    module = Linear()
    trainer = quiet()
    trainer.fit(Compiled(module), numbers())  # type: ignore[arg-type]
    assert trainer.lightning_module is module


def test_a_module_on_its_own_says_that_it_is() -> None:
    with pytest.raises(DetachedError, match="Linear is not attached to a Trainer"):
        Linear().trainer  # noqa: B018
    assert (Linear().current_epoch, Linear().global_step, Linear().logger) == (0, 0, None)


def test_every_call_begins_and_ends_with_set_up_and_teardown_of_its_stage() -> None:
    log: list[str] = []

    class Stages(Callback):
        def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
            log.append(f"setup {stage}")

        def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
            log.append(f"teardown {stage}")

    trainer = quiet(callbacks=[Stages()])
    for call in CALLS:
        getattr(trainer, call)(Full(), Data())
        assert trainer.state.finished
        assert trainer.state.fn == call
    assert log == [f"{what} {call}" for call in CALLS for what in ("setup", "teardown")]


def test_a_second_fit_goes_on_where_the_first_ended() -> None:
    trainer, module = quiet(max_epochs=2), Linear()
    trainer.fit(module, numbers())
    assert (trainer.current_epoch, trainer.global_step) == (2, 6)
    trainer.fit(module, numbers())
    assert trainer.global_step == 6
    trainer.fit_loop.max_epochs = 3
    trainer.fit(module, numbers())
    assert (trainer.current_epoch, trainer.global_step) == (3, 9)
