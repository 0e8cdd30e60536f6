"""Small things that programs written for Lightning rely on."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

import leyden
from leyden.api.warn import LeydenRuntimeWarning


class Line(leyden.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.layer(batch).sum()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        raise AssertionError("was to be taken away")

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def train_dataloader(self) -> Any:
        return DataLoader(torch.ones(4, 2))

    def val_dataloader(self) -> Any:
        return DataLoader(torch.ones(4, 2))


class ByHand(Line):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Tensor, batch_idx: int) -> None:
        def closure() -> Tensor:
            loss = self.layer(batch).sum()
            self.manual_backward(loss)
            return loss

        self.optimizers().step(closure=closure, scale=2.0)


class Scaled(torch.optim.SGD):
    seen: list[tuple[bool, float]]

    def step(self, closure: Any = None, scale: float = 1.0) -> Any:
        self.seen.append((closure is not None, scale))
        return super().step(closure)


def trainer(**keywords: Any) -> leyden.Trainer:
    quiet = {"logger": False, "enable_checkpointing": False, "max_epochs": 1}
    return leyden.Trainer(**{**quiet, **keywords})


@pytest.mark.filterwarnings("ignore:.no-validation")
@pytest.mark.parametrize("name", ["validation_step", "val_dataloader"])
def test_none_takes_a_hook_away(name: str) -> None:
    module = Line()
    setattr(module, name, None)
    run = trainer()
    run.fit(module)
    assert run.global_step == 4
    assert run.num_val_batches in ([], [0])


def test_manual_steps_pass_keywords_and_the_closure_by_name() -> None:
    module = ByHand()
    module.validation_step = None  # type: ignore[method-assign,assignment]
    optimizer = Scaled(module.parameters(), lr=0.1)
    optimizer.seen = []
    module.configure_optimizers = lambda: optimizer  # type: ignore[method-assign]
    module.val_dataloader = None  # type: ignore[method-assign,assignment]
    trainer().fit(module)
    assert optimizer.seen == [(True, 2.0)] * 4


def test_a_watching_scheduler_is_left_to_the_user_in_manual_optimization() -> None:
    module = ByHand()
    module.validation_step = None  # type: ignore[method-assign,assignment]
    module.val_dataloader = None  # type: ignore[method-assign,assignment]
    optimizer = Scaled(module.parameters(), lr=0.1)
    optimizer.seen = []
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    module.configure_optimizers = lambda: ([optimizer], [scheduler])  # type: ignore[method-assign]
    trainer().fit(module)
    assert scheduler.last_epoch == 0


def test_one_cycle_by_epoch_is_noticed() -> None:
    module = Line()
    module.validation_step = None  # type: ignore[method-assign,assignment]
    module.val_dataloader = None  # type: ignore[method-assign,assignment]
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=9)
    module.configure_optimizers = lambda: ([optimizer], [scheduler])  # type: ignore[method-assign]
    with pytest.warns(LeydenRuntimeWarning, match="scheduler-interval"):
        trainer().fit(module)


@pytest.mark.parametrize(("given", "expected"), [("avg", 1.5), ("SUM", 6.0)])
def test_spellings_of_reductions(given: str, expected: float) -> None:
    class Logging(Line):
        def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
            self.log("i", float(batch_idx), on_step=False, on_epoch=True, reduce_fx=given)
            return super().training_step(batch, batch_idx)

    module = Logging()
    module.validation_step = None  # type: ignore[method-assign,assignment]
    module.val_dataloader = None  # type: ignore[method-assign,assignment]
    run = trainer()
    run.fit(module)
    assert run.callback_metrics["i"] == expected
