"""The same fits with Lightning: the same weights, learning rates, groups and states."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

CASES: list[dict[str, Any]] = [
    {"unfreeze_backbone_at_epoch": 1},
    {"unfreeze_backbone_at_epoch": 0, "backbone_initial_lr": 0.01, "lambda_func": lambda epoch: 1.5},
    {"unfreeze_backbone_at_epoch": 1, "backbone_initial_ratio_lr": 0.9, "should_align": False},
    {"unfreeze_backbone_at_epoch": 1, "backbone_initial_ratio_lr": 0.9},
    {"unfreeze_backbone_at_epoch": 2, "train_bn": False},
    {},
]


def seen_of(bench: Any, module: Any, callback: Any, weights: Any) -> Any:
    state = callback.state_dict()
    state.pop("frozen", None)
    frozen = [name for name, one in module.named_parameters() if not one.requires_grad]
    return weights(module), module.seen, state, frozen, callback.state_key


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batchnorm"])
@pytest.mark.parametrize("scheduled", [False, True], ids=["constant", "scheduled"])
def test_backbone(both: Any, make: Any, weights: Any, case: int, norm: bool, scheduled: bool) -> None:
    found = []
    for bench in both:
        module = make(bench, norm=norm, scheduled=scheduled)
        callback = bench.callbacks.BackboneFinetuning(**CASES[case])
        bench.fit(module, callback, max_epochs=4)
        found.append(seen_of(bench, module, callback, weights))
    assert found[0] == found[1]


def rules(bench: Any) -> Any:
    class Rules(bench.callbacks.BaseFinetuning):  # type: ignore[misc]
        def freeze_before_training(self, pl_module: Any) -> None:
            self.freeze([pl_module.backbone, [pl_module.head]], train_bn=False)
            self.make_trainable(pl_module.head)

        def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
            if epoch == 1:
                self.unfreeze_and_add_param_group(pl_module.backbone[2], optimizer, initial_denom_lr=4.0)
            if epoch == 2:
                self.unfreeze_and_add_param_group(pl_module.backbone[:2], optimizer, lr=0.02, train_bn=False)
            if epoch == 3:
                self.freeze_module(pl_module.head)

    return Rules()


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batchnorm"])
def test_rules_of_ones_own(both: Any, make: Any, weights: Any, norm: bool) -> None:
    found = []
    for bench in both:
        module, callback = make(bench, norm=norm), rules(bench)
        bench.fit(module, callback, max_epochs=5)
        found.append(seen_of(bench, module, callback, weights))
    assert found[0] == found[1]
    assert len(found[0][1][-1][2]) == 3


class Nested(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(2))
        self.parts = torch.nn.ModuleDict(
            {"a": torch.nn.Linear(2, 2), "b": torch.nn.ModuleList([torch.nn.Tanh()])}
        )
        self.norm = torch.nn.BatchNorm1d(2)


def test_tools(both: Any) -> None:
    found = []
    for bench in both:
        base, module = bench.callbacks.BaseFinetuning, Nested()
        names = {one: name for name, one in [*module.named_modules(), *module.named_parameters()]}
        steps = []
        for given in (module, [module.parts, [module.norm]], module.parts, (module.norm,)):
            steps.append([names[one] for one in base.flatten_modules(given)])
        for call in (
            lambda base=base, module=module: base.freeze(module),
            lambda base=base, module=module: base.make_trainable(module.parts["a"]),
            lambda base=base, module=module: base.freeze(module, train_bn=False),
            lambda base=base, module=module: base.make_trainable([module]),
            lambda base=base, module=module: base.freeze_module(module),
        ):
            call()
            for train_bn in (True, False):
                for wanted in (True, False):
                    steps.append([names[one] for one in base.filter_params(module, train_bn, wanted)])
            steps.append(module.norm.track_running_stats)
        found.append(steps)
    assert found[0] == found[1]


def test_parameters_that_equal_others(both: Any) -> None:
    """Lightning leaves them out."""
    found = []
    for bench in both:
        one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        for each in (one, other):
            torch.nn.init.zeros_(each.bias)
        optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="(?!leyden)")
            bench.callbacks.BaseFinetuning.unfreeze_and_add_param_group(other, optimizer)
        found.append(len(optimizer.param_groups[1]["params"]))
    assert found == [2, 1]


def test_lightning_freezes_again_what_resumes(both: Any, make: Any, weights: Any) -> None:
    found = []
    for bench in both:
        path, arguments = bench.folder / "a.ckpt", {"unfreeze_backbone_at_epoch": 1}
        whole = make(bench)
        first = bench.fit(make(bench), bench.callbacks.BackboneFinetuning(**arguments), max_epochs=2)
        first.save_checkpoint(path)
        bench.fit(whole, bench.callbacks.BackboneFinetuning(**arguments), max_epochs=4)
        module = make(bench)
        bench.fit(module, bench.callbacks.BackboneFinetuning(**arguments), max_epochs=4, ckpt_path=path)
        found.append(weights(module) == weights(whole))
        if bench.ours:
            ours = weights(module)
        else:  # and Leyden trains on from Lightning's file
            resumed = make(both[0])
            callback = both[0].callbacks.BackboneFinetuning(**arguments)
            both[0].fit(resumed, callback, max_epochs=4, ckpt_path=path)
            assert weights(resumed) == ours
    assert found == [True, False]
