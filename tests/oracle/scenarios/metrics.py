"""Where logging is allowed, metric objects, and what else loggers are told."""

from __future__ import annotations

from typing import Any

import torch

from tests.oracle.bench import Bench, loss_of
from tests.oracle.data import loader
from tests.oracle.scenarios._registry import scenario
from tests.oracle.tables import MODULE

NOT_A_PLACE = {"state_dict", "load_state_dict", "configure_callbacks", "train_dataloader", "val_dataloader"}
READ_IN = ("on_train_batch_end", "on_train_epoch_end", "on_validation_end", "on_train_end")


def _logging_hook(bench: Bench, hook: str) -> Any:
    """The hook's default, and then a try to log under its name; remembers whether that was refused."""
    default = getattr(bench.ns.root.LightningModule, hook)

    def act(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = default(self, *args, **kwargs)
        try:
            self.log(hook, float(len(bench.recorder.events)))
            bench.facts[hook] = "allowed"
        except BaseException:
            bench.facts[hook] = "refused"
        return result

    return act


def _everywhere(bench: Bench) -> Any:
    steps = {"training_step", "validation_step", "test_step", "predict_step", "configure_optimizers"}
    hooks = [hook for hook in MODULE if hook not in NOT_A_PLACE | steps and not hook.endswith("_dataloader")]
    return bench.module(**{hook: _logging_hook(bench, hook) for hook in hooks})


@scenario
def log_in_every_hook(bench: Bench) -> None:
    module = _everywhere(bench)
    trainer = bench.fit(module=module, logger=bench.logger(), log_every_n_steps=1)
    bench.answer(trainer.test(module, loader(1), verbose=False))
    trainer.predict(module, loader(1))
    trainer.save_checkpoint(bench.root / "file.ckpt")


@scenario
def log_defaults_of_hooks(bench: Bench) -> None:
    def hook(name: str) -> Any:
        return lambda self, *args: self.log(name, float(self.trainer.global_step))

    spans = ("train_epoch", "train_batch", "validation_epoch", "validation_batch")
    edges = [f"on_{span}_{edge}" for span in spans for edge in ("start", "end")]
    names = ("on_train_start", "on_validation_start", *edges)
    module = bench.module(**{name: hook(name) for name in names})
    reading = bench.snapshots(*READ_IN)
    bench.fit(module=module, logger=bench.logger(), log_every_n_steps=1, callbacks=[reading], max_epochs=2)


@scenario
def log_same_name_in_step_and_epoch_end(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.log("m", float(batch_idx))

    module = bench.module(validation_step=step, on_validation_epoch_end=lambda self: self.log("m", 9.0))
    bench.fit(val=2, module=module, logger=bench.logger())
    bench.answer(bench.last_trainer.validate(module, loader(2), verbose=False))


def _with_metric(bench: Bench, metric: Any, act: Any) -> Any:
    def train(self: Any, batch: Any, batch_idx: int) -> Any:
        act(self, batch)
        return loss_of(self, batch)

    def evaluate(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        act(self, batch)

    module = bench.module(training_step=train, validation_step=evaluate)
    module.metric = metric
    reading = bench.snapshots(*READ_IN)
    return bench.fit(
        train=3, val=2, module=module, logger=bench.logger(), log_every_n_steps=1, callbacks=[reading]
    )


@scenario(needs="torchmetrics")
def metric_object_called(bench: Bench) -> None:
    from torchmetrics import MeanMetric

    def act(module: Any, batch: Any) -> None:
        module.metric(batch[:, 0] * 16)
        module.log("mean", module.metric, on_step=True, on_epoch=True, prog_bar=True)

    _with_metric(bench, MeanMetric(), act)


@scenario(needs="torchmetrics")
def metric_object_updated(bench: Bench) -> None:
    from torchmetrics import SumMetric

    def act(module: Any, batch: Any) -> None:
        module.metric.update(batch[:, 0] * 16)
        module.log("sum", module.metric, on_step=False, on_epoch=True)

    _with_metric(bench, SumMetric(), act)


@scenario(needs="torchmetrics")
def metric_collection(bench: Bench) -> None:
    from torchmetrics import MaxMetric, MetricCollection, MinMetric

    def act(module: Any, batch: Any) -> None:
        module.metric(batch[:, 0] * 16)
        module.log_dict(module.metric, on_step=False, on_epoch=True)

    _with_metric(bench, MetricCollection({"low": MinMetric(), "high": MaxMetric()}), act)


@scenario(needs="torchmetrics")
def metric_computed_by_hand(bench: Bench) -> None:
    from torchmetrics import MeanMetric

    def epoch_end(self: Any) -> None:
        self.log("by_hand", self.metric.compute())
        self.metric.reset()

    def evaluate(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.metric.update(batch[:, 0] * 16)

    module = bench.module(validation_step=evaluate, on_validation_epoch_end=epoch_end)
    module.metric = MeanMetric()
    bench.fit(val=2, module=module, logger=bench.logger(), max_epochs=2)


@scenario
def two_loggers(bench: Bench) -> None:
    bench.fit(logger=[bench.logger("Log"), bench.logger("Second")], log_every_n_steps=1)


@scenario
def hyperparameters_logged(bench: Bench) -> None:
    module = bench.module()
    module.save_hyperparameters({"lr": 0.1, "layers": 2, "name": "small"})
    bench.fit(module=module, logger=bench.logger())
    bench.facts["hparams"] = dict(module.hparams)


@scenario
def log_to_a_csv_file(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        self.log("count", float(batch_idx), on_step=True, on_epoch=True)
        return loss_of(self, batch)

    module = bench.module(training_step=step)
    module.save_hyperparameters({"lr": 0.1})
    logger = bench.ns.loggers.CSVLogger(bench.root, name="runs")
    bench.fit(train=3, module=module, logger=logger, log_every_n_steps=1, max_epochs=2)
    bench.facts["files"] = bench.files("runs")
    lines = (bench.root / "runs" / "version_0" / "metrics.csv").read_text(encoding="utf-8").splitlines()
    bench.facts["rows"] = [[_number(cell) for cell in line.split(",")] for line in lines]


def _number(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


@scenario
def logger_called_directly(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        self.logger.log_metrics({"own": float(batch_idx)}, step=self.global_step)
        bench.facts["loggers"] = [len(self.loggers), self.logger is self.trainer.logger]
        return loss_of(self, batch)

    bench.fit(module=bench.module(training_step=step), val=None, logger=bench.logger(), log_every_n_steps=1)


@scenario
def nothing_logged(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return torch.zeros((), requires_grad=True) + loss_of(self, batch)

    def train(self: Any, batch: Any, batch_idx: int) -> Any:
        return step(self, batch, batch_idx)

    bench.fit(
        module=bench.module(training_step=train, validation_step=step),
        logger=bench.logger(),
        log_every_n_steps=1,
    )
