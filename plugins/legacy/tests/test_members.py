"""Attributes of the Trainer and its class, keywords of its methods, and tuning."""

from __future__ import annotations

import copy
import pickle
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

import pytest

from leyden import Trainer
from leyden.errors import ArgumentTypeError, ConfigurationError, PluginNotFoundError
from leyden.plugins.catalogue import catalogue
from leyden.testing import TinyData, TinyModule
from leyden_legacy import members, tune

Make = Callable[..., Trainer]


def test_every_attribute_can_be_read_after_a_fit(trainer: Make) -> None:
    made = trainer(limit_train_batches=1)
    made.fit(TinyModule(), TinyData())
    for name in members.TRAINER:
        if name != "tuner":
            getattr(made, name)
    assert made.lightning_optimizers[0].optimizer is made.optimizers[0]
    assert made.get_model() is made.lightning_module
    assert made.training_type_plugin is made.strategy
    assert made.progress_bar_dict == made.progress_bar_metrics
    assert made.lr_schedulers == [] and made.optimizer_frequencies == []
    assert (made.gpus, made.tpu_cores, made.num_gpus, made.devices, made.num_processes) == (0, 0, 0, 1, 1)
    assert made.data_parallel_device_ids is None and not made.use_amp
    assert made.disable_validation is not made.enable_validation
    assert made.tested_ckpt_path is None


def test_schedulers_are_dicts(trainer: Make) -> None:
    from torch.optim.lr_scheduler import StepLR

    class Module(TinyModule):
        def configure_optimizers(self) -> Any:
            one = super().configure_optimizers()
            return [one], [{"scheduler": StepLR(one, 1), "interval": "step"}]

    made = trainer(limit_train_batches=1, limit_val_batches=0)
    made.fit(Module(), TinyData())
    (only,) = made.lr_schedulers
    assert only["interval"] == "step" and isinstance(only["scheduler"], StepLR)


def test_running_sanity_check(trainer: Make) -> None:
    seen = []

    class Module(TinyModule):
        def validation_step(self, *args: Any) -> Any:
            seen.append(self.trainer.running_sanity_check)
            return super().validation_step(*args)

    trainer(limit_train_batches=1, num_sanity_val_steps=1, limit_val_batches=1).fit(Module(), TinyData())
    assert seen == [True, False]


def test_what_nobody_has_is_missing_as_ever(trainer: Make) -> None:
    made = trainer()
    with pytest.raises(AttributeError, match="'Trainer' object has no attribute 'nonsense'"):
        made.nonsense  # noqa: B018
    with pytest.raises(AttributeError):
        Trainer.nonsense  # noqa: B018
    assert not hasattr(made, "_private") and not hasattr(Trainer, "tune")
    assert copy.copy(made).max_epochs == 1
    assert pickle.loads(pickle.dumps(made)).max_epochs == 1


def test_keywords_of_the_calls(trainer: Make) -> None:
    data, module = TinyData(), TinyModule()
    made = trainer(limit_train_batches=1, limit_val_batches=1, limit_test_batches=1)
    made.fit(module, train_dataloader=data.train_dataloader(), val_dataloaders=data.val_dataloader())  # type: ignore[call-arg]
    assert made.global_step == 1
    assert made.validate(module, val_dataloaders=data.val_dataloader(), verbose=False)  # type: ignore[call-arg]
    assert made.test(module, test_dataloaders=data.test_dataloader(), verbose=False)  # type: ignore[call-arg]
    with pytest.raises(ArgumentTypeError, match="got both train_dataloader and train_dataloaders"):
        made.fit(module, train_dataloaders=data.train_dataloader(), train_dataloader=data.train_dataloader())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="train_dataloder"):
        made.fit(module, train_dataloder=data.train_dataloader())  # type: ignore[call-arg]


class Recorder:
    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.calls: list[Any] = []

    def lr_find(self, model: Any, **given: Any) -> str:
        calls.append(("lr_find", given))
        return "finder"

    def scale_batch_size(self, model: Any, **given: Any) -> int:
        calls.append(("scale_batch_size", given))
        return 64


calls: list[Any] = []


def test_tune(trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    monkeypatch.setattr(tune, "tuner", Recorder)
    made = trainer(auto_lr_find="rate", auto_scale_batch_size="binsearch")
    data = {"train_dataloaders": "data", "val_dataloaders": None, "dataloaders": None, "datamodule": None}
    found = made.tune("model", "data", lr_find_kwargs={"num_training": 5})
    assert found == {"scale_batch_size": 64, "lr_find": "finder"}
    assert calls == [
        ("scale_batch_size", {**data, "method": "fit", "mode": "binsearch"}),
        ("lr_find", {**data, "method": "fit", "attr_name": "rate", "num_training": 5}),
    ]
    assert list(trainer(auto_lr_find=True).tune("model")) == ["lr_find"]
    assert calls[-1][1]["attr_name"] == ""
    assert list(trainer(auto_scale_batch_size=True).tune("model")) == ["scale_batch_size"]
    assert calls[-1][1]["mode"] == "power"


def test_tune_with_nothing_to_do(trainer: Make) -> None:
    with pytest.raises(ConfigurationError, match="auto_lr_find=True"):
        trainer().tune(TinyModule())


def test_the_tuner_is_found_by_name(trainer: Make) -> None:
    if catalogue().named("leyden.names", "tuner.Tuner"):
        assert type(trainer().tuner).__name__ == "Tuner"
    else:
        with pytest.raises(PluginNotFoundError, match="pip install leyden-tuner"):
            trainer().tuner  # noqa: B018


def test_tune_finds_a_learning_rate(trainer: Make) -> None:
    if not catalogue().named("leyden.names", "tuner.Tuner"):
        pytest.skip("leyden-tuner is not installed")

    class Module(TinyModule):
        def __init__(self) -> None:
            super().__init__()
            self.lr = 0.5

        def configure_optimizers(self) -> Any:
            import torch

            return torch.optim.SGD(self.parameters(), lr=self.lr)

    module = Module()
    found = trainer(auto_lr_find=True).tune(module, TinyData(), lr_find_kwargs={"num_training": 20})
    assert found["lr_find"].results["lr"][0] == 1e-8
    assert module.lr == (found["lr_find"].suggestion() or 0.5)


def test_argparse() -> None:
    parser = ArgumentParser()
    parser.add_argument("--width", type=int, default=3)
    assert Trainer.add_argparse_args(parser) is parser
    given = parser.parse_args(
        [
            *(
                "--max_epochs",
                "2",
                "--gpus",
                "0",
                "--gradient_clip_val=0.5",
                "--logger",
                "false",
                "--fast_dev_run",
            ),
            *("--default_root_dir", "some/where", "--limit_train_batches", "0.5"),
        ]
    )
    assert given.width == 3 and given.max_epochs == 2 and given.gpus == 0
    made = Trainer.from_argparse_args(given, max_steps=7)
    assert made.max_epochs == 1 and made.fast_dev_run == 1  # fast_dev_run is a flag
    assert made.gradient_clip_val == 0.5 and made.default_root_dir == "some/where"
    made = Trainer.from_argparse_args(Namespace(max_epochs=4, unknown=3, limit_val_batches=2), max_steps=7)
    assert (made.max_epochs, made.max_steps, made.limit_val_batches) == (4, 7, 2)
    assert Trainer.parse_argparser(given) is given


def test_argparse_of_a_subclass() -> None:
    class Own(Trainer):
        def __init__(self, own: int = 1, **keywords: Any) -> None:
            super().__init__(**keywords)
            self.own = own

    parser = Own.add_argparse_args(ArgumentParser())
    made = Own.from_argparse_args(parser.parse_args(["--own", "5", "--max_epochs", "2"]))
    assert type(made) is Own and made.own == 5 and made.max_epochs == 2


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_TRAINER_MAX_EPOCHS", "3")
    assert Trainer.match_env_arguments().max_epochs == 3
