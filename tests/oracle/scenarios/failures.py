"""What happens when something raises, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

from tests.oracle.bench import Bench, loss_of, sgd
from tests.oracle.data import loader
from tests.oracle.scenarios._registry import scenario


def _failing(error: BaseException, at: int = 1) -> Any:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        if batch_idx == at:
            raise error
        return loss_of(self, batch)

    return step


def _fit(bench: Bench, **bodies: Any) -> None:
    source = bench.datamodule(train_dataloader=lambda self: loader(3), val_dataloader=lambda self: loader(2))
    callbacks = [bench.callback("A"), bench.callback("B")]
    trainer = bench.trainer(callbacks=callbacks, logger=bench.logger())
    with bench.catch():
        trainer.fit(bench.module(**bodies), datamodule=source)
    bench.facts["status"] = [trainer.state.status, trainer.interrupted]


@scenario
def exception_in_training_step(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        return _failing(ValueError("boom"))(self, batch, batch_idx)

    _fit(bench, training_step=step)


@scenario
def exception_in_validation_step(bench: Bench) -> None:
    _fit(bench, validation_step=_failing(ValueError("boom")))


@scenario
def exception_in_setup(bench: Bench) -> None:
    def setup(self: Any, stage: str) -> None:
        raise ValueError("boom")

    _fit(bench, setup=setup)


@scenario
def exception_in_test_step(bench: Bench) -> None:
    trainer = bench.trainer(callbacks=[bench.callback()], logger=bench.logger())
    with bench.catch():
        trainer.test(bench.module(test_step=_failing(ValueError("boom"))), loader(2), verbose=False)


@scenario
def keyboard_interrupt(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        return _failing(KeyboardInterrupt())(self, batch, batch_idx)

    _fit(bench, training_step=step)


def _logging(**arguments: Any) -> Callable[[Bench], Any]:
    def program(bench: Bench) -> Any:
        def step(self: Any, batch: Any, batch_idx: int) -> Any:
            self.log(**{"name": "m", "value": 1.0, **arguments})
            return loss_of(self, batch)

        return bench.fit(val=None, module=bench.module(training_step=step))

    return program


def _with_optimizers(configure: Callable[[Any], Any]) -> Callable[[Bench], Any]:
    return lambda bench: bench.fit(module=bench.module(configure_optimizers=configure))


def _with_options(**options: Any) -> Callable[[Bench], Any]:
    return lambda bench: bench.trainer(**options)


def _fitted_with(**options: Any) -> Callable[[Bench], Any]:
    return lambda bench: bench.fit(**options)


def _manual(**options: Any) -> Callable[[Bench], Any]:
    def program(bench: Bench) -> Any:
        module = bench.module(training_step=lambda self, batch, batch_idx: None)
        module.automatic_optimization = False
        return bench.fit(module=module, **options)

    return program


def _lacking(*hooks: str) -> Callable[[Bench], Any]:
    return lambda bench: bench.fit(module=bench.module(without=hooks))


# The first ones are in order: they show that the others are refused for what is wrong with them.
PROGRAMS: dict[str, Callable[[Bench], Any]] = {
    "nothing wrong": _fitted_with(),
    "nothing wrong with options": _with_options(),
    "nothing wrong with log": _logging(),
    "nothing wrong with manual optimization": _manual(),
    "nothing wrong with optimizers": _with_optimizers(sgd),
    "barebones without sanity check": _with_options(barebones=True, num_sanity_val_steps=0),
    "no validation_step": _lacking("validation_step"),
    "limit of a whole float": _with_options(limit_train_batches=2.0),
    "fast_dev_run below zero": _with_options(fast_dev_run=-1),
    "max_epochs below -1": _with_options(max_epochs=-2),
    "max_steps below -1": _with_options(max_steps=-2),
    "unknown keyword": _with_options(no_such_keyword=1),
    "unknown accelerator": _with_options(accelerator="no_such"),
    "unknown strategy": _with_options(strategy="no_such"),
    "unknown precision": _with_options(precision="no_such"),
    "devices zero": _with_options(devices=0),
    "clip value of a wrong type": _with_options(gradient_clip_val="much"),
    "clip algorithm": _with_options(gradient_clip_algorithm="no_such"),
    "limit of a negative fraction": _with_options(limit_train_batches=-0.5),
    "limit of an uneven number": _with_options(limit_train_batches=1.5),
    "fraction of validation check above one": _with_options(val_check_interval=1.5),
    "check_val_every_n_epoch of a wrong type": _with_options(check_val_every_n_epoch=0.5),
    "fraction without epochs": _with_options(check_val_every_n_epoch=None, val_check_interval=0.5),
    "reload below zero": _with_options(reload_dataloaders_every_n_epochs=-1),
    "barebones with sanity check": _with_options(barebones=True, num_sanity_val_steps=2),
    "bad max_time": _with_options(max_time="soon"),
    "val_check_interval beyond the epoch": _fitted_with(val_check_interval=9),
    "fraction that leaves no batch": _fitted_with(limit_train_batches=0.1),
    "clipping under manual optimization": _manual(gradient_clip_val=1.0),
    "accumulation under manual optimization": _manual(accumulate_grad_batches=2),
    "no training_step": _lacking("training_step"),
    "no configure_optimizers": _lacking("configure_optimizers"),
    "two optimizers": _with_optimizers(lambda self: [sgd(self), SGD([self.layer.bias], lr=1.0)]),
    "plateau without monitor": _with_optimizers(lambda self: ([(o := sgd(self))], [ReduceLROnPlateau(o)])),
    "bad interval": _with_optimizers(
        lambda self: {
            "optimizer": (o := sgd(self)),
            "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.StepLR(o, 1), "interval": "never"},
        }
    ),
    "plateau without its metric": _with_optimizers(
        lambda self: {
            "optimizer": (o := sgd(self)),
            "lr_scheduler": ReduceLROnPlateau(o),
            "monitor": "absent",
        }
    ),
    "optimizers of a wrong type": _with_optimizers(lambda self: "sgd"),
    "loss of a wrong type": lambda bench: bench.fit(
        module=bench.module(training_step=lambda self, batch, i: "loss")
    ),
    "mapping without loss": lambda bench: bench.fit(
        module=bench.module(training_step=lambda self, batch, i: {"a": 1})
    ),
    "log of two elements": _logging(value=torch.ones(2)),
    "log of text": _logging(value="text"),
    "log of nested mapping": _logging(value={"a": {"b": 1.0}}),
    "log with both off": _logging(on_step=False, on_epoch=False),
    "log with unknown reduction": _logging(reduce_fx="median"),
    "log with reserved name": _logging(name="m/dataloader_idx_0"),
    "early stopping without its metric": lambda bench: bench.fit(callbacks=[bench.monitor(monitor="absent")]),
    "best without checkpoints": lambda bench: bench.trainer().test(
        bench.module(), loader(1), ckpt_path="best"
    ),
    "missing file": lambda bench: bench.trainer().fit(
        bench.module(), loader(1), ckpt_path=bench.root / "absent"
    ),
    "no module": lambda bench: bench.trainer().fit(None),
    "not a module": lambda bench: bench.trainer().fit(torch.nn.Linear(1, 1), loader(1)),
    "test without loader": lambda bench: bench.trainer().test(bench.module()),
    "loader and datamodule": lambda bench: bench.trainer().fit(
        bench.module(), loader(1), datamodule=bench.datamodule()
    ),
    "two equal stateful callbacks": lambda bench: bench.trainer(
        callbacks=[bench.callback(), bench.callback()]
    ),
    "top_k without monitor": lambda bench: bench.ns.callbacks.ModelCheckpoint(save_top_k=2),
    "two triggers": lambda bench: bench.ns.callbacks.ModelCheckpoint(every_n_train_steps=1, every_n_epochs=1),
    "trainer of a lonely module": lambda bench: bench.module().trainer,
}


def _is_refused(bench: Bench, program: Callable[[Bench], Any]) -> bool:
    try:
        program(bench)
    except Exception:
        return True
    return False


@scenario
def refusals(bench: Bench) -> None:
    bench.facts["refused"] = {name: _is_refused(bench, program) for name, program in PROGRAMS.items()}
    bench.recorder.events.clear()
    bench.recorder.values.clear()
    bench.last_module = bench.last_trainer = None
