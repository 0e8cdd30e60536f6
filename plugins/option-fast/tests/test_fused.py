from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningModule, Trainer
from leyden.api.warn import LeydenWarning
from leyden_option_fast import fused


class Net(LightningModule):
    def __init__(self, make: Callable[..., Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.make = make
        self.net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))

    def training_step(self, batch: Any) -> Any:
        return (self.net(batch[0]) - batch[1]).square().mean()

    def configure_optimizers(self) -> Any:
        return self.make(self.parameters())


class Overriding(Net):
    def optimizer_step(
        self, epoch: Any, batch_idx: Any, optimizer: Any, optimizer_closure: Any = None
    ) -> None:
        optimizer.step(closure=optimizer_closure)


def data() -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(1)
    return DataLoader(
        TensorDataset(torch.randn(40, 6, generator=generator), torch.randn(40, 1, generator=generator)), 4
    )


def fitted(module: Net, fast: Any, **options: Any) -> Trainer:
    trainer = Trainer(
        accelerator="cpu", devices=1, max_epochs=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, fast=fast, **options,
    )  # fmt: skip
    trainer.fit(module, data())
    return trainer


OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adam": partial(Adam, lr=0.01),
    "adam-amsgrad": partial(Adam, lr=0.01, amsgrad=True, weight_decay=0.1),
    "adamw": partial(AdamW, lr=0.01),
    "sgd": partial(SGD, lr=0.1),
    "sgd-momentum": partial(SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adagrad": partial(Adagrad, lr=0.05),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("fast", ["auto", "fused"])
@pytest.mark.parametrize("kind", [Net, Overriding])
def test_fused_optimizers_end_where_the_ordinary_ones_do(make: Any, fast: str, kind: Any) -> None:
    plain, quick = kind(make), kind(make)
    fitted(plain, False, gradient_clip_val=0.5, accumulate_grad_batches=2)
    trainer = fitted(quick, fast, gradient_clip_val=0.5, accumulate_grad_batches=2)
    assert all(group["fused"] for group in trainer.optimizers[0].param_groups)
    assert not trainer.optimizers[0]._optimizer_step_post_hooks
    for one, two in zip(plain.parameters(), quick.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_a_kernel_that_computes_something_else_is_given_up_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = torch._fused_adam_

    def wrong(params: Any, *args: Any, **kwargs: Any) -> None:
        right(params, *args, **kwargs)
        torch._foreach_add_(params, 0.1)

    monkeypatch.setattr(torch, "_fused_adam_", wrong)
    plain, quick = Net(OPTIMIZERS["adam"]), Net(OPTIMIZERS["adam"])
    fitted(plain, False)
    with pytest.warns(LeydenWarning, match=r"\[fast-fallback\].*after step 1 .*fused Adam differed by 0\.1"):
        trainer = fitted(quick, "auto")
    assert all(torch.equal(one, two) for one, two in zip(plain.parameters(), quick.parameters(), strict=True))
    assert trainer.optimizers[0].param_groups[0]["fused"] is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (RMSprop, "no fused kernel"),
        (partial(Adam, foreach=True), "chosen already"),
        (partial(Adam, lr=torch.tensor(0.1), capturable=False), "learning rate is a tensor"),
        (partial(Adam, differentiable=True), "differentiable"),
    ],
)
def test_what_cannot_be_fused_is_left_alone_with_the_reason(make: Any, reason: str) -> None:
    optimizer = make(Net(Adam).parameters())
    groups = copy.deepcopy(
        [{k: v for k, v in one.items() if k != "params"} for one in optimizer.param_groups]
    )
    found = fused.obstacle(optimizer)
    assert found is not None
    assert reason in found
    assert groups == [{k: v for k, v in one.items() if k != "params"} for one in optimizer.param_groups]


def test_resuming_keeps_the_fused_kernel_and_its_state(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "plugin-set")
    module, straight = Net(OPTIMIZERS["adam"]), Net(OPTIMIZERS["adam"])
    trainer = fitted(module, False)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    for one, fast in ((straight, False), (module, "auto")):
        longer = Trainer(
            accelerator="cpu", devices=1, max_epochs=4, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, fast=fast,
        )  # fmt: skip
        longer.fit(one, data(), ckpt_path=tmp_path / "a.ckpt")
    assert longer.optimizers[0].param_groups[0]["fused"]
    for one, two in zip(module.parameters(), straight.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
