"""How a batch becomes an update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import LBFGS, SGD, Adam
from torch.optim.lr_scheduler import ExponentialLR, ReduceLROnPlateau, StepLR

from tests.oracle.bench import Bench, loss_of, sgd
from tests.oracle.scenarios._registry import scenario

Configure = Callable[[Any], Any]


def _halved(**options: Any) -> Configure:
    """Half the learning rate at every step of the scheduler; ``options`` complete the scheduler's dict."""

    def configure(module: Any) -> Any:
        optimizer = sgd(module)
        schedule = {"scheduler": StepLR(optimizer, step_size=1, gamma=0.5), **options}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    return configure


def _plateau(**options: Any) -> Configure:
    def configure(module: Any) -> Any:
        optimizer = sgd(module, 0.01)
        schedule = {"scheduler": ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=0), **options}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    return configure


def _fit(bench: Bench, configure: Configure, **options: Any) -> None:
    trainer = bench.fit(module=bench.module(configure_optimizers=configure), **options)
    bench.facts["lr"] = [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups]


@scenario
def scheduler_each_step(bench: Bench) -> None:
    _fit(bench, _halved(interval="step"), train=3, max_epochs=2)


@scenario
def scheduler_each_second_step(bench: Bench) -> None:
    _fit(bench, _halved(interval="step", frequency=2), train=3, max_epochs=2)


@scenario
def scheduler_each_step_while_accumulating(bench: Bench) -> None:
    _fit(bench, _halved(interval="step"), train=5, accumulate_grad_batches=2)


@scenario
def scheduler_each_epoch(bench: Bench) -> None:
    _fit(bench, _halved(), max_epochs=3)


@scenario
def scheduler_each_second_epoch(bench: Bench) -> None:
    _fit(bench, _halved(interval="epoch", frequency=2), max_epochs=3)


@scenario
def plateau_each_epoch(bench: Bench) -> None:
    _fit(bench, _plateau(monitor="val_loss"), max_epochs=4)


@scenario
def plateau_each_step(bench: Bench) -> None:
    _fit(bench, _plateau(monitor="train_loss", interval="step"), train=3, max_epochs=2)


@scenario
def plateau_in_validation(bench: Bench) -> None:
    _fit(bench, _plateau(monitor="val_loss", interval="step", frequency=2), train=4, val_check_interval=2)


@scenario
def plateau_beside_monitor(bench: Bench) -> None:
    def configure(module: Any) -> Any:
        optimizer = sgd(module)
        return {"optimizer": optimizer, "lr_scheduler": ReduceLROnPlateau(optimizer), "monitor": "val_loss"}

    _fit(bench, configure, max_epochs=2)


@scenario
def plateau_without_its_metric(bench: Bench) -> None:
    _fit(bench, _plateau(monitor="never_logged", strict=False))


@scenario
def two_schedulers(bench: Bench) -> None:
    def configure(module: Any) -> Any:
        optimizer = sgd(module)
        by_step = {"scheduler": ExponentialLR(optimizer, 0.9), "interval": "step"}
        return [optimizer], [StepLR(optimizer, 1, gamma=0.5), by_step]

    _fit(bench, configure, max_epochs=2)


@scenario
def list_of_one_mapping(bench: Bench) -> None:
    _fit(bench, lambda module: [_halved()(module)], max_epochs=2)


@scenario
def tuple_of_one_optimizer(bench: Bench) -> None:
    _fit(bench, lambda module: (sgd(module),))


@scenario
def no_optimizer(bench: Bench) -> None:
    bench.fit(module=bench.module(configure_optimizers=lambda self: None))


@scenario
def adam_with_two_groups(bench: Bench) -> None:
    def configure(module: Any) -> Any:
        groups: list[dict[str, Any]] = [
            {"params": [module.layer.weight]},
            {"params": [module.layer.bias], "lr": 0.01},
        ]
        return Adam(groups, lr=0.1)

    _fit(bench, configure, max_epochs=2)


@scenario
def lbfgs(bench: Bench) -> None:
    module = bench.module(configure_optimizers=lambda self: LBFGS(self.parameters(), lr=0.1, max_iter=3))
    bench.fit(module=module, val=None, callbacks=[bench.callback()])


@scenario
def clip_by_norm(bench: Bench) -> None:
    bench.fit(gradient_clip_val=0.1, val=None)


@scenario
def clip_by_value(bench: Bench) -> None:
    bench.fit(gradient_clip_val=0.05, gradient_clip_algorithm="value", val=None)


@scenario
def clip_by_module(bench: Bench) -> None:
    def clip(self: Any, optimizer: Any, value: Any, algorithm: Any) -> None:
        self.clip_gradients(optimizer, gradient_clip_val=0.1, gradient_clip_algorithm="norm")

    bench.fit(module=bench.module(configure_gradient_clipping=clip), val=None)


@scenario
def optimizer_step_of_module(bench: Bench) -> None:
    def step(self: Any, epoch: int, batch_idx: int, optimizer: Any, closure: Any) -> None:
        if batch_idx % 2:
            optimizer.step(closure=closure)
        else:
            closure()

    bench.fit(train=4, val=None, module=bench.module(optimizer_step=step))


def _two(module: Any) -> Any:
    return [SGD([module.layer.weight], lr=0.1), SGD([module.layer.bias], lr=0.2)]


@scenario
def manual_two_optimizers(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        for optimizer in self.optimizers():
            loss = loss_of(self, batch)
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
            self.log("train_loss", loss)
        return {"done": batch_idx}

    module = bench.module(training_step=step, configure_optimizers=_two)
    module.automatic_optimization = False
    bench.fit(module=module, callbacks=[bench.callback()], logger=bench.logger(), log_every_n_steps=1)


@scenario
def manual_with_toggling(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> None:
        seen = bench.facts.setdefault("requires_grad", [])
        for optimizer in self.optimizers():
            self.toggle_optimizer(optimizer)
            seen.append([parameter.requires_grad for parameter in self.parameters()])
            self.manual_backward(loss_of(self, batch))
            optimizer.step()
            optimizer.zero_grad()
            self.untoggle_optimizer(optimizer)
        seen.append([parameter.requires_grad for parameter in self.parameters()])

    module = bench.module(training_step=step, configure_optimizers=_two)
    module.automatic_optimization = False
    bench.fit(module=module, val=None)


@scenario
def manual_with_scheduler(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> None:
        optimizer, schedule = self.optimizers(), self.lr_schedulers()

        def closure() -> Any:
            optimizer.zero_grad()
            loss = loss_of(self, batch)
            self.manual_backward(loss)
            return loss

        optimizer.step(closure=closure)
        if self.trainer.is_last_batch:
            schedule.step()

    module = bench.module(training_step=step, configure_optimizers=_halved())
    module.automatic_optimization = False
    trainer = bench.fit(module=module, val=None, max_epochs=2)
    bench.facts["lr"] = trainer.optimizers[0].param_groups[0]["lr"]


@scenario
def manual_every_second_batch(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        loss = loss_of(self, batch)
        self.manual_backward(loss)
        if batch_idx % 2:
            self.optimizers().step()
            self.optimizers().zero_grad()
        return loss

    module = bench.module(training_step=step)
    module.automatic_optimization = False
    bench.fit(train=4, module=module, max_steps=3, max_epochs=-1, logger=bench.logger(), log_every_n_steps=1)
