"""Which callbacks take part, and in which order."""

from __future__ import annotations

from typing import Any

from tests.oracle.bench import Bench
from tests.oracle.data import loader
from tests.oracle.scenarios._registry import scenario


@scenario
def callbacks_of_module(bench: Bench) -> None:
    first, second = bench.callback("A"), bench.callback("B")
    module = bench.module(configure_callbacks=lambda self: [second])
    trainer = bench.fit(train=1, module=module, callbacks=[first])
    bench.facts["order"] = [type(callback).__name__ for callback in trainer.callbacks]


@scenario
def callbacks_of_module_replace(bench: Bench) -> None:
    stop = bench.monitor()
    replacing = type("Stop", (type(stop),), {})(monitor="val_loss", patience=7)
    module = bench.module(configure_callbacks=lambda self: replacing)
    trainer = bench.fit(train=1, module=module, callbacks=[bench.callback(), stop])
    bench.facts["order"] = [type(callback).__name__ for callback in trainer.callbacks]
    bench.facts["patience"] = [getattr(callback, "patience", None) for callback in trainer.callbacks]


@scenario
def checkpoint_callbacks_come_last(bench: Bench) -> None:
    saving = bench.ns.callbacks.ModelCheckpoint(dirpath=bench.root / "kept")
    callbacks = [saving, bench.callback("A"), bench.monitor(), bench.callback("B")]
    trainer = bench.fit(callbacks=callbacks, enable_checkpointing=True)
    bench.facts["order"] = [type(callback).__name__ for callback in trainer.callbacks]


@scenario
def callbacks_that_log(bench: Bench) -> None:
    def log(name: str) -> Any:
        return lambda self, trainer, module, *args: self.log(f"callback_{name}", float(trainer.global_step))

    hooks = ("on_train_batch_end", "on_train_epoch_end", "on_validation_epoch_end", "on_validation_batch_end")
    bench.fit(val=2, callbacks=[bench.plain_callback(**{hook: log(hook) for hook in hooks})])


@scenario
def callback_finds_its_trainer(bench: Bench) -> None:
    def look(self: Any, trainer: Any, module: Any) -> None:
        bench.facts["same"] = [
            trainer is bench.last_trainer,
            module is bench.last_module,
            trainer.lightning_module is module,
            module.trainer is trainer,
            trainer.callbacks == [self],
            trainer.optimizers[0].param_groups[0]["lr"] == 0.1,
            trainer.early_stopping_callback is None,
            trainer.checkpoint_callback is None,
            trainer.datamodule is None,
            trainer.logger is None,
        ]

    bench.fit(callbacks=[bench.plain_callback(on_train_start=look)])


@scenario
def trainer_says_where_it_is(bench: Bench) -> None:
    names = (
        "sanity_checking",
        "training",
        "validating",
        "testing",
        "predicting",
        "evaluating",
        "is_last_batch",
    )

    def look(hook: str) -> Any:
        return lambda self, trainer, *args, **kwargs: bench.facts.setdefault(hook, []).append(
            [name for name in names if getattr(trainer, name)] + [trainer.state.fn, trainer.state.status]
        )

    places = [
        f"on_{stage}_epoch_{edge}" for stage in ("train", "validation", "test") for edge in ("start", "end")
    ]
    hooks = [*places, "on_train_batch_start", "on_train_batch_end", "on_fit_end", "setup", "teardown"]
    callback = bench.plain_callback(**{hook: look(hook) for hook in hooks})
    trainer = bench.fit(callbacks=[callback], num_sanity_val_steps=1)
    trainer.test(bench.last_module, loader(1), verbose=False)
    bench.facts["after"] = [trainer.state.fn, trainer.state.status, trainer.interrupted]
