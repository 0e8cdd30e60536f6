"""Leyden's own errors and warnings, followed by the piece of text that programs look for."""

from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

QUIET = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}

ARGUMENTS = [
    ({"limit_train_batches": 1.2}, "passed invalid value 1.2 for limit_train_batches"),
    ({"overfit_batches": -0.1}, "passed invalid value -0.1"),
    ({"fast_dev_run": -1}, "should be >= 0"),
    ({"reload_dataloaders_every_n_epochs": -1}, "should be an int >"),
    ({"val_check_interval": 0.5, "check_val_every_n_epoch": None}, "should be an integer when"),
    ({"barebones": True, "fast_dev_run": 1, "enable_checkpointing": None}, r"fast_dev_run=1\)` was passed"),
    ({"max_epochs": -100}, "must be a non-negative integer or -1"),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("keywords", "piece"), ARGUMENTS, ids=lambda one: str(one)[:30])
def test_arguments(keywords: dict[str, Any], piece: str) -> None:
    from lightning.pytorch import Trainer

    with pytest.raises(ValueError, match=piece):
        Trainer(**{**QUIET, **({"logger": None} if "barebones" in keywords else {}), **keywords})


RETURNS = [
    (lambda one: 1, "Unknown configuration for model optimizers"),
    (lambda one: {"optimizer": one, "lr_scheduler": {}}, 'must have the key "scheduler"'),
    (
        lambda one: ([one], [torch.optim.lr_scheduler.ReduceLROnPlateau(one)]),
        "must include a monitor when a `ReduceLROnPlateau`",
    ),
    (lambda one: ([one], [Odd(one)]), "`Odd` doesn't follow"),
]


class Odd:
    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert state == {}


def _line() -> Any:
    from lightning.pytorch.demos.boring_classes import BoringModel

    model = BoringModel()
    model.val_dataloader = None
    model.validation_step = None
    return model


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("returned", "piece"), RETURNS, ids=[piece[:20] for _, piece in RETURNS])
def test_configure_optimizers(returned: Any, piece: str) -> None:
    from lightning.pytorch import Trainer
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    model = _line()
    model.configure_optimizers = lambda: returned(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(MisconfigurationException, match=piece):
        Trainer(fast_dev_run=True, **QUIET).fit(model)


LOGGED = [
    (("a", None), {}, r"self.log\(a, None\)` was called"),
    (("a", {"b": 1}), {}, r"self.log\(a, {'b': 1}\)` was called"),
    (("a/dataloader_idx_0", 1), {}, "with the key `a/dataloader_idx_0`"),
    (("a", 1), {"reduce_fx": "prod"}, "reduce_fx={min,max,mean,sum}"),
    (("a", 1), {"on_step": False, "on_epoch": False}, "is not useful"),
    (("a", torch.ones(2)), {}, "tensor must have a single element"),
]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("values", "keywords", "piece"), LOGGED, ids=[piece for *_, piece in LOGGED])
def test_log(values: tuple[str, Any], keywords: dict[str, Any], piece: str) -> None:
    from lightning.pytorch import Trainer

    model = _line()
    model.on_train_batch_start = lambda batch, batch_idx: model.log(*values, **keywords)
    with pytest.raises(ValueError, match=piece):
        Trainer(fast_dev_run=True, **QUIET).fit(model)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("method", "name", "piece"),
    [
        ("fit", "training_step", r"No `training_step\(\)` method defined"),
        ("test", "test_step", r"No `test_step\(\)` method defined"),
        ("test", "test_dataloader", r"An invalid dataloader was passed to `Trainer.test"),
    ],
)
def test_what_is_missing(method: str, name: str, piece: str) -> None:
    from lightning.pytorch import Trainer

    model = _line()
    setattr(model, name, None)
    with pytest.raises(ValueError, match=piece):
        getattr(Trainer(fast_dev_run=True, **QUIET), method)(model)


@pytest.mark.usefixtures("installed")
def test_a_fraction_that_leaves_nothing() -> None:
    from lightning.pytorch import Trainer

    with pytest.raises(ValueError, match=r"0.1 \* 5 < 1. Please increase the `limit_train_batches` argument"):
        Trainer(limit_train_batches=0.1, max_epochs=1, **QUIET).fit(_line(), DataLoader(torch.ones(5, 32)))


@pytest.mark.usefixtures("installed")
def test_warnings_of_schedulers_are_runtime_warnings() -> None:
    from lightning.pytorch import Trainer

    model = _line()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = {"scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1), "foo": 1}
    model.configure_optimizers = lambda: ([optimizer], [scheduler])
    with pytest.warns(RuntimeWarning, match=r"Found unsupported keys in the lr scheduler dict: \{'foo'\}"):
        Trainer(fast_dev_run=True, **QUIET).fit(model)


@pytest.mark.usefixtures("installed")
def test_logging_without_a_trainer() -> None:
    with pytest.warns(UserWarning, match="`self.trainer` reference is not registered"):
        _line().log("a", 1)
