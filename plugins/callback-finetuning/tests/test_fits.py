from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden.testing import HostStrategy, TinyModule
from leyden_callback_finetuning import BackboneFinetuning, BaseFinetuning


class LayerByLayer(BaseFinetuning):
    def freeze_before_training(self, pl_module: Any) -> None:
        self.freeze(pl_module.backbone, train_bn=False)

    def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
        if epoch == 1:
            self.unfreeze_and_add_param_group(pl_module.backbone[2], optimizer)
        if epoch == 2:
            self.unfreeze_and_add_param_group(pl_module.backbone[:2], optimizer, lr=0.02)
        if epoch == 3:
            self.freeze(pl_module.head)


class Saving(Callback):
    def __init__(self, folder: Any) -> None:
        self.folder = folder

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        trainer.save_checkpoint(self.folder / f"{trainer.current_epoch} {batch_idx}.ckpt")


@pytest.mark.parametrize("kind", [LayerByLayer, lambda: BackboneFinetuning(1)], ids=["rules", "backbone"])
def test_resuming_from_every_point(bench: Any, make: Any, weights: Any, kind: Any) -> None:
    whole = make(bench, norm=True, scheduled=True)
    bench.fit(whole, kind(), Saving(bench.folder), max_epochs=4)
    for epoch in range(4):
        for batch in range(3):
            module = make(bench, norm=True, scheduled=True)
            bench.fit(module, kind(), max_epochs=4, ckpt_path=bench.folder / f"{epoch} {batch}.ckpt")
            assert weights(module) == weights(whole), (epoch, batch)
            assert module.seen == whole.seen[len(whole.seen) - len(module.seen) :]
            grads = [one.requires_grad for one in module.parameters()]
            assert grads == [one.requires_grad for one in whole.parameters()]


def test_testing_freezes_nothing(bench: Any, make: Any, data: Any) -> None:
    module = make(bench)
    trainer = bench.fit(module, BackboneFinetuning(1))
    trainer.test(module, data(), verbose=False)
    assert all(one.requires_grad for one in module.parameters())


def test_going_on_without_the_state(bench: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "plugin-set")
    path = bench.folder / "a.ckpt"
    first = make(bench)
    first.backbone.requires_grad_(False)
    bench.fit(first, max_epochs=2).save_checkpoint(path)
    module, callback = make(bench), BackboneFinetuning(1)
    bench.fit(module, callback, max_epochs=4, ckpt_path=path)
    assert [one[1] for one in module.seen[-1][2]] == [2, 4]
    assert callback.previous_backbone_lr == pytest.approx(0.02)


def test_a_second_fit_with_the_same_callback(bench: Any, make: Any, weights: Any) -> None:
    callback = BackboneFinetuning(1)
    found = []
    for _ in range(2):
        module = make(bench)
        bench.fit(module, callback, max_epochs=3)
        found.append((weights(module), module.seen))
    assert found[0] == found[1]


def test_parameters_that_are_in_the_optimizer() -> None:
    module = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD([module.weight], lr=0.1)
    with pytest.warns(UserWarning, match=r"\[finetuning-present\] 1 of 2 parameters"):
        assert BaseFinetuning.filter_on_optimizer(optimizer, module.parameters()) == [module.bias]
    module.requires_grad_(False)
    with pytest.warns(UserWarning, match="finetuning-present"):
        BaseFinetuning.unfreeze_and_add_param_group(module, optimizer)
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 1]
    assert optimizer.param_groups[1]["lr"] == pytest.approx(0.01)


def test_containers_with_parameters_of_their_own() -> None:
    class Scaled(torch.nn.Sequential):
        def __init__(self) -> None:
            super().__init__(torch.nn.Linear(2, 2))
            self.scale = torch.nn.Parameter(torch.ones(1))

    for module in (Scaled(), torch.nn.ParameterList([torch.nn.Parameter(torch.ones(1))])):
        BaseFinetuning.freeze(module)
        assert not any(one.requires_grad for one in module.parameters())


@pytest.mark.parametrize("modules", [3, "backbone", [torch.nn.Tanh(), None]], ids=repr)
def test_what_is_no_module(modules: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="an iterable of modules"):
        BaseFinetuning.freeze(modules)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("unfreeze_backbone_at_epoch", -1),
        ("unfreeze_backbone_at_epoch", 1.5),
        ("lambda_func", 2.0),
        ("backbone_initial_ratio_lr", 0),
        ("backbone_initial_lr", "0.1"),
        ("should_align", 1),
        ("initial_denom_lr", -1.0),
        ("train_bn", None),
        ("verbose", "yes"),
        ("rounding", True),
    ],
)
def test_arguments(argument: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{argument}={value!r}"):
        BackboneFinetuning(**{argument: value})


def test_without_a_backbone(leyden_run: Any) -> None:
    outcome = leyden_run("fit", callbacks=[BackboneFinetuning()])
    assert isinstance(outcome.exception, UserCodeError)
    assert "TinyModule has no module in its attribute 'backbone'" in str(outcome.exception)


@pytest.mark.parametrize("missing", ["freeze_before_training", "finetune_function"])
def test_what_must_be_overridden(leyden_run: Any, missing: str) -> None:
    class Half(BaseFinetuning):
        pass

    for name in ("freeze_before_training", "finetune_function"):
        if name != missing:
            setattr(Half, name, lambda self, *args: None)
    outcome = leyden_run("fit", callbacks=[Half()])
    assert isinstance(outcome.exception, UserCodeError)
    assert f"Half does not override {missing}" in str(outcome.exception)


def test_an_optimizer_that_takes_no_parameters(leyden_run: Any) -> None:
    class DeepSpeedStrategy(HostStrategy):
        pass

    outcome = leyden_run(
        "fit", callbacks=[BackboneFinetuning()], strategy=DeepSpeedStrategy(), module=Backed()
    )
    assert isinstance(outcome.exception, ConfigurationError)
    assert "does not work with DeepSpeedStrategy" in str(outcome.exception)


class Backed(TinyModule):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = torch.nn.Linear(1, 1)


def test_verbose(bench: Any, make: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="leyden")
    callback = BackboneFinetuning(1, backbone_initial_ratio_lr=0.123456, verbose=True, rounding=3)
    bench.fit(make(bench), callback, max_epochs=3)
    assert [one for one in caplog.messages if one.startswith("Epoch")] == [
        "Epoch 1: learning rate 0.1, of the backbone 0.012",
        "Epoch 2: learning rate 0.1, of the backbone 0.025",
    ]
