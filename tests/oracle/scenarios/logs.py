"""What ``self.log`` makes of a value, and what the loggers get."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch

from tests.oracle.bench import Bench, loss_of
from tests.oracle.data import loader
from tests.oracle.scenarios._registry import scenario

READ_IN = (
    "on_train_batch_end",
    "on_train_epoch_end",
    "on_validation_batch_end",
    "on_validation_end",
    "on_train_end",
)


def _number(batch: Any) -> Any:
    """A value that tells batches apart and, by its mean, batch sizes too."""
    return batch[:, 0].mean() * 16


def _combinations() -> list[tuple[bool | None, bool | None, bool]]:
    flags: tuple[bool | None, ...] = (None, True, False)
    both_off = (False, False)
    return [
        (step, epoch, bar)
        for step, epoch, bar in product(flags, flags, (True, False))
        if (step, epoch) != both_off
    ]


def _log_combinations(module: Any, batch: Any) -> None:
    for step, epoch, bar in _combinations():
        if (step, epoch) in ((False, None), (None, False)) and not _stays_on(module, step, epoch):
            continue
        name = "".join({None: "x", True: "1", False: "0"}[flag] for flag in (step, epoch, bar))
        module.log(f"m{name}", _number(batch), on_step=step, on_epoch=epoch, prog_bar=bar)


def _stays_on(module: Any, step: bool | None, epoch: bool | None) -> bool:
    """Whether the flag that was left to its default is on: training logs steps, evaluation epochs."""
    training = module.trainer.training
    return training if epoch is False else not training


def _logging(act: Callable[[Any, Any], None]) -> dict[str, Any]:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        act(self, batch)
        return loss_of(self, batch)

    def train(self: Any, batch: Any, batch_idx: int) -> Any:
        return step(self, batch, batch_idx)

    return {"training_step": train, "validation_step": step, "test_step": step}


def _fit(bench: Bench, steps: dict[str, Any], train: Any = 2, val: Any = 2, **options: Any) -> Any:
    """Fit with a logger and with the views of the metrics read in many places; hooks are not what matters."""
    defaults = {"logger": bench.logger(), "log_every_n_steps": 1, "callbacks": [bench.snapshots(*READ_IN)]}
    return bench.fit(train=train, val=val, module=bench.module(**steps), **{**defaults, **options})


@scenario
def log_in_training(bench: Bench) -> None:
    steps = _logging(_log_combinations)
    _fit(
        bench, {"training_step": steps["training_step"]}, train=3, val=None, max_epochs=2, log_every_n_steps=2
    )


@scenario
def log_in_validation(bench: Bench) -> None:
    steps = _logging(_log_combinations)
    _fit(bench, {"validation_step": steps["validation_step"]}, max_epochs=2, num_sanity_val_steps=1)


@scenario
def log_in_test(bench: Bench) -> None:
    trainer = bench.trainer(
        logger=bench.logger(), callbacks=[bench.snapshots("on_test_batch_end", "on_test_end")]
    )
    bench.answer(trainer.test(bench.module(**_logging(_log_combinations)), loader(2, extra=1), verbose=False))


@scenario
def log_every_second_step(bench: Bench) -> None:
    steps = _logging(lambda module, batch: module.log("m", _number(batch), on_step=True, on_epoch=True))
    _fit(bench, steps, train=4, max_epochs=2, log_every_n_steps=2)


@scenario
def log_every_third_step_across_epochs(bench: Bench) -> None:
    steps = _logging(lambda module, batch: module.log("m", _number(batch), on_step=True, on_epoch=True))
    _fit(bench, steps, train=4, max_epochs=2, log_every_n_steps=3)


@scenario
def log_never(bench: Bench) -> None:
    steps = _logging(lambda module, batch: module.log("m", _number(batch), on_step=True, on_epoch=True))
    _fit(bench, steps, log_every_n_steps=0)


@scenario
def log_while_accumulating(bench: Bench) -> None:
    steps = _logging(lambda module, batch: module.log("m", _number(batch), on_step=True, on_epoch=True))
    _fit(bench, steps, train=5, val=None, accumulate_grad_batches=2)


@scenario
def log_while_validating_each_batch(bench: Bench) -> None:
    steps = _logging(lambda module, batch: module.log("m", _number(batch), on_step=True, on_epoch=True))
    _fit(bench, steps, train=2, val_check_interval=1)


@scenario
def log_reduced(bench: Bench) -> None:
    def act(module: Any, batch: Any) -> None:
        for reduction in ("mean", "sum", "min", "max", torch.mean, torch.max):
            name = reduction if isinstance(reduction, str) else f"torch_{reduction.__name__}"
            module.log(name, _number(batch), on_epoch=True, on_step=False, reduce_fx=reduction)

    steps = _logging(act)
    _fit(bench, steps, train=loader(3, extra=1), val=loader(2, extra=1))
    bench.answer(bench.last_trainer.test(bench.last_module, loader(2, extra=1), verbose=False))


@scenario
def log_weighted_by_batch_size(bench: Bench) -> None:
    def act(module: Any, batch: Any) -> None:
        module.log("inferred", _number(batch), on_epoch=True)
        module.log("given", _number(batch), on_epoch=True, batch_size=1)
        module.log("heavy", _number(batch), on_epoch=True, batch_size=int(_number(batch)) + 1)

    _fit(bench, _logging(act), train=loader(3, extra=1), val=loader(3, extra=1))


@scenario
def log_kinds_of_values(bench: Bench) -> None:
    def act(module: Any, batch: Any) -> None:
        module.log("integer", len(batch))
        module.log("float", 0.5)
        module.log("boolean", True)
        module.log("one_element", torch.ones(1) * len(batch))
        module.log("double", _number(batch).double() / 3)
        module.log("long", torch.tensor(3))
        module.log_dict({"first": 1.0, "second": _number(batch)}, prog_bar=True, on_epoch=True, on_step=True)

    _fit(bench, _logging(act), max_epochs=1)


@scenario
def log_with_graph(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        loss = loss_of(self, batch)
        self.log("m", loss, prog_bar=True)
        bench.facts.setdefault("requires_grad", []).append(
            [loss.requires_grad, self.trainer.callback_metrics["m"].requires_grad]
        )
        return loss

    _fit(bench, {"training_step": step}, val=None)


@scenario
def log_the_x_axis(bench: Bench) -> None:
    def act(module: Any, batch: Any) -> None:
        module.log("m", _number(batch))
        module.log("step", 10.0 + module.trainer.global_step)

    _fit(bench, _logging(act))


@scenario
def log_with_several_loaders(bench: Bench) -> None:
    def act(module: Any, batch: Any) -> None:
        module.log("m", _number(batch), on_step=True, on_epoch=True)
        module.log("plain", _number(batch))

    steps = _logging(act)
    loaders = [loader(2), loader(1, start=8)]
    _fit(bench, steps, val=loaders)
    bench.answer(bench.last_trainer.test(bench.last_module, loaders, verbose=False))


@scenario
def log_several_loaders_under_one_name(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.log(f"own_{dataloader_idx}", _number(batch), add_dataloader_idx=False)

    trainer = bench.trainer(logger=bench.logger())
    bench.answer(trainer.test(bench.module(test_step=step), [loader(2), loader(1, start=8)], verbose=False))


@scenario
def log_same_name_in_both_loops(bench: Bench) -> None:
    _fit(bench, _logging(lambda module, batch: module.log("m", _number(batch), on_epoch=True)), max_epochs=2)


@scenario
def log_sometimes(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        if batch_idx == 1:
            self.log("rare", float(batch_idx), on_step=True, on_epoch=True)
        return loss_of(self, batch)

    _fit(bench, {"training_step": step}, train=3, val=None, max_epochs=2)
