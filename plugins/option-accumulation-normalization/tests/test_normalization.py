"""Updates equal those of one large batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch.utils.data import DataLoader

from leyden import Callback, LightningModule, Trainer
from leyden.errors import ConfigurationError, UserCodeError
from leyden.testing import OptionContract

SIZES = [3, 1, 4, 2, 5]
WINDOW = 2


class TestContract(OptionContract):
    entry_point = "accumulate_normalization"
    good: ClassVar[tuple[Any, ...]] = ("window", "batches")
    bad: ClassVar[tuple[Any, ...]] = ("mean", "", 1, True, None)


class Model(LightningModule):
    def __init__(self, tensor: bool = False, weigh: bool = True) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1, bias=False)
        torch.nn.init.constant_(self.layer.weight, 0.5)
        self.tensor, self.weigh = tensor, weigh

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = (self.layer(batch) ** 2).mean()
        weight = torch.tensor(float(len(batch))) if self.tensor else len(batch)
        return {"loss": loss, "weight": weight} if self.weigh else loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def batches() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(size, 2, generator=generator) for size in SIZES]


def loader() -> DataLoader[Any]:
    return DataLoader(batches(), batch_size=None)  # type: ignore[arg-type]


def trainer(choice: str | None, **options: Any) -> Trainer:
    silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    chosen = {} if choice is None else {"accumulate_normalization": choice}
    few = {"max_epochs": 2, "logger": False, "accelerator": "cpu", "accumulate_grad_batches": WINDOW}
    return Trainer(**{**few, **silent, **chosen, **options})


def fitted(choice: str | None, model: Model | None = None, **options: Any) -> torch.Tensor:
    model = model or Model()
    trainer(choice, **options).fit(model, loader())
    return model.layer.weight.detach().clone()


def by_hand(choice: str, clip: float | None = None) -> torch.Tensor:
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for start in range(0, len(SIZES), WINDOW):
            window = batches()[start : start + WINDOW]
            optimizer.zero_grad()
            if choice == "weight":
                loss = (model.layer(torch.cat(window)) ** 2).mean()
            else:
                count = WINDOW if choice == "window" else len(window)
                loss = sum((model.layer(one) ** 2).mean() for one in window) / count  # type: ignore[assignment]
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
    return model.layer.weight.detach()


@pytest.mark.parametrize("choice", ["window", "batches", "weight"])
def test_equals_the_mean_that_it_names(choice: str) -> None:
    torch.testing.assert_close(fitted(choice), by_hand(choice), rtol=1e-6, atol=1e-7)


def test_the_three_differ() -> None:
    found = [fitted(one) for one in ("window", "batches", "weight")]
    assert not torch.allclose(found[0], found[1]) and not torch.allclose(found[1], found[2])
    assert torch.equal(fitted(None), found[0])


def test_weights_may_be_tensors() -> None:
    torch.testing.assert_close(fitted("weight", Model(tensor=True)), by_hand("weight"), rtol=1e-6, atol=1e-7)


def test_clipping_sees_the_mean() -> None:
    pytest.importorskip("leyden_option_gradient_clipping")
    found = fitted("weight", gradient_clip_val=0.01)
    torch.testing.assert_close(found, by_hand("weight", clip=0.01), rtol=1e-5, atol=1e-7)


def test_callbacks_see_the_mean() -> None:
    class Looks(Callback):
        gradient: Any = None

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            if self.gradient is None:
                self.gradient = pl_module.layer.weight.grad.clone()

    looks = Looks()
    fitted("weight", callbacks=[looks])
    model = Model()
    (model.layer(torch.cat(batches()[:WINDOW])) ** 2).mean().backward()
    torch.testing.assert_close(looks.gradient, model.layer.weight.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("choice", ["batches", "weight"])
def test_an_open_window_is_resumed(choice: str, tmp_path: Path) -> None:
    path = tmp_path / "middle.ckpt"

    class Saves(Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.fit_loop.total_batch_idx == 2:
                trainer.save_checkpoint(path)

    whole = fitted(choice, callbacks=[Saves()])
    model = Model()
    trainer(choice).fit(model, loader(), ckpt_path=path)
    assert torch.equal(model.layer.weight.detach(), whole)


@pytest.mark.parametrize(
    "weight", [None, 0, -1.0, True, "2", torch.ones(2)], ids=["none", "0", "-1", "true", "text", "two"]
)
def test_wrong_weights(weight: Any) -> None:
    class Wrong(Model):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = super().training_step(batch, batch_idx)["loss"]
            return loss if weight is None else {"loss": loss, "weight": weight}

    with pytest.raises(UserCodeError, match="weight"):
        fitted("weight", Wrong())


def test_manual_optimization_is_refused() -> None:
    model = Model()
    model.automatic_optimization = False
    with pytest.raises(ConfigurationError, match="accumulate_normalization='weight'"):
        trainer("weight", accumulate_grad_batches=1).fit(model, loader())
