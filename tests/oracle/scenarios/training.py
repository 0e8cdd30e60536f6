"""The course of ``fit``."""

from __future__ import annotations

from typing import Any

from torch.optim.lr_scheduler import StepLR

from tests.oracle.bench import Bench, loss_of, sgd
from tests.oracle.data import loader
from tests.oracle.scenarios._registry import scenario


def _decayed(module: Any) -> Any:
    optimizer = sgd(module)
    return [optimizer], [StepLR(optimizer, step_size=1, gamma=0.5)]


@scenario
def fit_everything(bench: Bench) -> None:
    module = bench.module(full=True, configure_optimizers=_decayed)
    listeners = [bench.callback("A"), bench.monitor(), bench.callback("B")]
    bench.fit(
        module=module,
        callbacks=listeners,
        logger=bench.logger(),
        gradient_clip_val=0.5,
        num_sanity_val_steps=2,
        log_every_n_steps=1,
    )


@scenario
def fit_two_epochs(bench: Bench) -> None:
    module = bench.module(configure_optimizers=_decayed)
    bench.fit(val=2, module=module, callbacks=[bench.callback()], max_epochs=2, num_sanity_val_steps=1)


@scenario
def fit_without_validation(bench: Bench) -> None:
    bench.fit(val=None, callbacks=[bench.callback()])


@scenario
def fit_without_overrides(bench: Bench) -> None:
    left_alone = (
        "validation_step",
        "on_validation_model_train",
        "on_validation_model_eval",
        "configure_model",
    )
    bench.fit(module=bench.module(without=left_alone), val=None)


@scenario
def accumulate_two_of_three(bench: Bench) -> None:
    bench.fit(train=3, callbacks=[bench.callback()], accumulate_grad_batches=2, max_epochs=2)


@scenario
def accumulate_with_validation_between(bench: Bench) -> None:
    bench.fit(train=4, accumulate_grad_batches=2, val_check_interval=1)


@scenario
def accumulate_changed_by_callback(bench: Bench) -> None:
    def change(self: Any, trainer: Any, module: Any) -> None:
        trainer.accumulate_grad_batches = trainer.current_epoch + 1

    bench.fit(train=3, val=None, callbacks=[bench.plain_callback(on_train_epoch_start=change)], max_epochs=2)


@scenario
def batch_start_ends_epoch(bench: Bench) -> None:
    def stop_second(self: Any, batch: Any, batch_idx: int) -> Any:
        return -1 if batch_idx == 1 else None

    module = bench.module(on_train_batch_start=stop_second)
    bench.fit(train=3, module=module, callbacks=[bench.callback()], max_epochs=2)


@scenario
def step_returns_none(bench: Bench) -> None:
    def skip_first(self: Any, batch: Any, batch_idx: int) -> Any:
        return None if batch_idx == 0 else loss_of(self, batch)

    bench.fit(train=3, val=None, module=bench.module(training_step=skip_first), callbacks=[bench.callback()])


@scenario
def step_returns_mapping(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int) -> Any:
        return {"loss": loss_of(self, batch), "count": len(batch), "batch": batch}

    module = bench.module(training_step=step)
    bench.fit(val=None, module=module, callbacks=[bench.callback()], accumulate_grad_batches=2)


@scenario
def step_without_batch_idx(bench: Bench) -> None:
    def step(self: Any, batch: Any) -> Any:
        bench.facts.setdefault("batches", []).append(len(batch))
        return loss_of(self, batch)

    module = bench.module(without=("training_step", "validation_step"))
    type(module).training_step = step
    type(module).validation_step = step
    bench.fit(module=module)


@scenario
def fast_dev_run_one(bench: Bench) -> None:
    listeners = [bench.callback(), bench.monitor()]
    bench.fit(train=4, val=4, callbacks=listeners, fast_dev_run=True, num_sanity_val_steps=2, max_epochs=5)


@scenario
def fast_dev_run_three(bench: Bench) -> None:
    bench.fit(train=4, val=4, fast_dev_run=3, logger=bench.logger(), max_epochs=5)


@scenario
def overfit_one_batch(bench: Bench) -> None:
    bench.fit(train=3, val=3, overfit_batches=1, max_epochs=2)


@scenario
def barebones(bench: Bench) -> None:
    switched = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    options = dict.fromkeys((*switched, "num_sanity_val_steps"))
    bench.fit(barebones=True, **options)


@scenario
def fit_twice(bench: Bench) -> None:
    module, trainer = bench.module(), bench.trainer(callbacks=[bench.callback()])
    trainer.fit(module, loader(2), loader(1))
    bench.facts["between"] = [trainer.current_epoch, trainer.global_step]
    trainer.fit_loop.max_epochs = 2
    trainer.fit(module, loader(2), loader(1))


@scenario
def fit_again_without_more_epochs(bench: Bench) -> None:
    module, trainer = bench.module(), bench.trainer()
    trainer.fit(module, loader(2))
    trainer.fit(module, loader(2))


@scenario
def shuffled_by_seed(bench: Bench) -> None:
    bench.ns.root.seed_everything(3)
    bench.fit(train=loader(3, shuffle=True), num_sanity_val_steps=1, max_epochs=2)


@scenario
def modes_of_submodules(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        bench.facts.setdefault("training", []).append([self.training, self.layer.training])
        return loss_of(self, batch)

    left_alone = [
        f"on_{stage}_model_{mode}" for stage in ("validation", "test") for mode in ("eval", "train")
    ]
    module = bench.module(without=left_alone, training_step=step, validation_step=step)
    module.layer.eval()
    bench.fit(module=module, max_epochs=2, num_sanity_val_steps=1)
    bench.facts["after"] = [module.training, module.layer.training]


@scenario
def estimated_steps(bench: Bench) -> None:
    def ask(self: Any) -> Any:
        bench.facts["steps"] = self.trainer.estimated_stepping_batches
        return sgd(self)

    module = bench.module(configure_optimizers=ask, train_dataloader=lambda self: loader(5))
    bench.fit(train=None, val=None, module=module, accumulate_grad_batches=2, max_epochs=3)
