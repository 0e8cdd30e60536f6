from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop

from leyden import Trainer
from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError
from leyden_option_fast import Fused, fused

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adam": partial(Adam, lr=0.01),
    "adam-amsgrad": partial(Adam, lr=0.01, amsgrad=True, weight_decay=0.1),
    "adamw": partial(AdamW, lr=0.01),
    "sgd": partial(SGD, lr=0.1),
    "sgd-momentum": partial(SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adagrad": partial(Adagrad, lr=0.05),
}


def overriding(net: type) -> type:
    def optimizer_step(
        self: Any, epoch: Any, batch_idx: Any, optimizer: Any, optimizer_closure: Any = None
    ) -> None:
        optimizer.step(closure=optimizer_closure)

    return type("Overriding", (net,), {"optimizer_step": optimizer_step})


def seen(module: Any) -> list[Any]:
    """Notes at the end of the training whether the optimizer was fused."""
    found: list[Any] = []

    def on_train_end() -> None:
        optimizer = module.trainer.optimizers[0]
        found.extend(group["fused"] for group in optimizer.param_groups)
        assert not optimizer._optimizer_step_post_hooks

    module.__dict__["on_train_end"] = on_train_end
    return found


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("own_step", [False, True])
def test_fused_optimizers_end_where_the_ordinary_ones_do(kit: Any, make: Any, own_step: bool) -> None:
    kind = overriding(kit.Net) if own_step else kit.Net
    plain, quick, verified = kind(make), kind(make), kind(make)
    fused_then = seen(quick)
    keywords = {"gradient_clip_val": 0.5, "accumulate_grad_batches": 2}
    kit.fitted(plain, False, **keywords)
    trainer = kit.fitted(quick, "fused", **keywords)
    kit.fitted(verified, Fused(verify=True), **keywords)
    assert fused_then == [True]
    assert trainer.optimizers[0].param_groups[0]["fused"] is None
    kit.assert_close(plain, quick)
    kit.assert_close(plain, verified)


def test_a_kernel_that_computes_something_else_is_given_up_with_the_reason(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = torch._fused_adam_

    def wrong(params: Any, *args: Any, **kwargs: Any) -> None:
        right(params, *args, **kwargs)
        torch._foreach_add_(params, 0.1)

    monkeypatch.setattr(torch, "_fused_adam_", wrong)
    plain, quick, picked = (kit.Net(OPTIMIZERS["adam"]) for _ in range(3))
    kit.fitted(plain, False)
    for module, fast in ((quick, Fused(verify=True)), (picked, "auto")):
        with pytest.warns(
            LeydenWarning, match=r"\[fast-fallback\].*after step 1 .*fused Adam differed by 0\.1"
        ):
            kit.fitted(module, fast)
        assert all(
            torch.equal(one, two) for one, two in zip(plain.parameters(), module.parameters(), strict=True)
        )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (RMSprop, "no fused kernel"),
        (partial(Adam, foreach=True), "chosen already"),
        (partial(Adam, lr=torch.tensor(0.1), capturable=False), "learning rate is a tensor"),
        (partial(Adam, differentiable=True), "differentiable"),
    ],
)
def test_what_cannot_be_fused_is_left_alone_with_the_reason(kit: Any, make: Any, reason: str) -> None:
    optimizer = make(kit.Net(Adam).parameters())
    groups = copy.deepcopy(
        [{k: v for k, v in one.items() if k != "params"} for one in optimizer.param_groups]
    )
    found = fused.obstacle(optimizer)
    assert found is not None
    assert reason in found
    assert groups == [{k: v for k, v in one.items() if k != "params"} for one in optimizer.param_groups]


def test_a_fit_without_any_optimizer_that_can_be_fused_is_refused(kit: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"fast='fused' is not possible: RMSprop: torch has no fused"
    ):
        kit.fitted(kit.Net(RMSprop), "fused")


def test_a_checkpoint_of_a_fused_run_says_nothing_of_it(kit: Any, tmp_path: Any) -> None:
    module, straight, changed = (kit.Net(OPTIMIZERS["adam"]) for _ in range(3))
    module.__dict__["on_train_end"] = lambda: module.trainer.save_checkpoint(tmp_path / "a.ckpt")
    kit.fitted(module, "fused")
    saved = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert [group["fused"] for group in saved["optimizer_states"][0]["param_groups"]] == [None]
    monkey = pytest.MonkeyPatch()
    monkey.setenv("LEYDEN_SILENCE", "plugin-set")
    with monkey.context():
        for one, fast in ((straight, False), (changed, "fused")):
            keywords = {"max_epochs": 4}
            trainer = Trainer(
                accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False, fast=fast, **keywords,
            )  # fmt: skip
            trainer.fit(one, kit.data(), ckpt_path=tmp_path / "a.ckpt")
    monkey.undo()
    kit.assert_close(straight, changed)
