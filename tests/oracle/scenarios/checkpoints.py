"""What is saved, when, and under which name."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import Adam
from torch.optim.lr_scheduler import StepLR

from tests.oracle.bench import Bench
from tests.oracle.data import loader
from tests.oracle.outline import outline
from tests.oracle.scenarios._registry import scenario


def adam(module: Any) -> Any:
    optimizer = Adam(module.parameters(), lr=0.05)
    return [optimizer], [StepLR(optimizer, 1, gamma=0.5)]


def _keeping(bench: Bench, **options: Any) -> Any:
    folder = options.pop("dirpath", bench.root / "kept")
    return bench.ns.callbacks.ModelCheckpoint(dirpath=folder, **options)


def _fit(bench: Bench, saving: Any, **options: Any) -> Any:
    module = bench.module(configure_optimizers=adam)
    trainer = bench.fit(module=module, callbacks=[saving], enable_checkpointing=True, **options)
    bench.facts["files"] = bench.files("kept")
    bench.facts["best"] = str(saving.best_model_path).rpartition("/")[2]
    bench.facts["last"] = str(saving.last_model_path).rpartition("/")[2]
    score = saving.best_model_score
    bench.facts["score"] = None if score is None else float(score)
    return trainer


def _contents(bench: Bench, path: Any) -> Any:
    return outline(torch.load(path, weights_only=True), bench.root)


@scenario
def save_by_hand(bench: Bench) -> None:
    module = bench.module(configure_optimizers=adam)
    module.save_hyperparameters({"lr": 0.05})
    source = bench.datamodule(
        train_dataloader=lambda self: loader(2),
        val_dataloader=lambda self: loader(1),
        state_dict=lambda self: {"seen": 3},
    )
    trainer = bench.trainer(callbacks=[bench.callback("A"), bench.callback("B")])
    trainer.fit(module, datamodule=source)
    trainer.save_checkpoint(bench.root / "file.ckpt")
    bench.facts["contents"] = _contents(bench, bench.root / "file.ckpt")


@scenario
def save_weights_only(bench: Bench) -> None:
    trainer = bench.fit(module=bench.module(configure_optimizers=adam), callbacks=[bench.callback()])
    trainer.save_checkpoint(bench.root / "file.ckpt", weights_only=True)
    bench.facts["contents"] = _contents(bench, bench.root / "file.ckpt")


@scenario
def save_within_epoch(bench: Bench) -> None:
    def save(self: Any, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx == 1:
            trainer.save_checkpoint(bench.root / "file.ckpt")

    saving = bench.plain_callback(on_train_batch_end=save)
    bench.fit(train=3, module=bench.module(configure_optimizers=adam), callbacks=[saving])
    bench.facts["contents"] = _contents(bench, bench.root / "file.ckpt")


@scenario
def save_what_hooks_add(bench: Bench) -> None:
    def add(key: str) -> Any:
        return lambda self, *args: args[-1].update({key: 1})

    callback = bench.callback(on_save_checkpoint=add("from_callback"))
    trainer = bench.fit(module=bench.module(on_save_checkpoint=add("from_module")), callbacks=[callback])
    trainer.save_checkpoint(bench.root / "file.ckpt")
    bench.facts["keys"] = sorted(_contents(bench, bench.root / "file.ckpt"))


@scenario
def keep_the_latest(bench: Bench) -> None:
    _fit(bench, _keeping(bench), max_epochs=2, logger=bench.logger())


@scenario
def keep_the_best_two(bench: Bench) -> None:
    saving = _keeping(bench, monitor="val_loss", save_top_k=2, filename="{epoch}-{step}-{val_loss:.2f}")
    _fit(bench, saving, max_epochs=4)


@scenario
def keep_the_greatest(bench: Bench) -> None:
    _fit(bench, _keeping(bench, monitor="val_loss", mode="max"), max_epochs=3)


@scenario
def keep_all_and_last(bench: Bench) -> None:
    _fit(bench, _keeping(bench, save_top_k=-1, save_last=True), max_epochs=3)


@scenario
def keep_only_last(bench: Bench) -> None:
    _fit(bench, _keeping(bench, save_top_k=0, save_last=True), max_epochs=2)


@scenario
def keep_a_link_to_last(bench: Bench) -> None:
    _fit(bench, _keeping(bench, save_last="link"), max_epochs=2)
    bench.facts["link"] = (bench.root / "kept" / "last.ckpt").is_symlink()


@scenario
def keep_every_second_step(bench: Bench) -> None:
    _fit(bench, _keeping(bench, every_n_train_steps=2, save_top_k=-1), train=5, max_epochs=2)


@scenario
def keep_every_second_epoch(bench: Bench) -> None:
    _fit(bench, _keeping(bench, every_n_epochs=2, save_top_k=-1), max_epochs=4)


@scenario
def keep_weights_only(bench: Bench) -> None:
    _fit(bench, _keeping(bench, save_weights_only=True))


@scenario
def keep_while_validating_within_epoch(bench: Bench) -> None:
    _fit(bench, _keeping(bench, monitor="val_loss", save_top_k=-1), train=4, val_check_interval=2)


@scenario
def keep_at_end_of_training_epoch(bench: Bench) -> None:
    saving = _keeping(bench, monitor="train_loss", save_on_train_epoch_end=True, save_top_k=-1)
    _fit(bench, saving, train=2, val_check_interval=1)


@scenario
def keep_under_plain_names(bench: Bench) -> None:
    filename = "at/{epoch:02d}/{val_loss:.3f}"
    _fit(bench, _keeping(bench, monitor="val_loss", filename=filename, auto_insert_metric_name=False))


@scenario
def keep_under_one_name(bench: Bench) -> None:
    _fit(bench, _keeping(bench, filename="same", save_top_k=-1), max_epochs=3)


@scenario
def keep_in_the_default_place(bench: Bench) -> None:
    module = bench.module()
    trainer = bench.fit(module=module, enable_checkpointing=True, max_epochs=1)
    bench.facts["files"] = bench.files(".")
    bench.facts["kinds"] = [type(callback).__name__ for callback in trainer.callbacks]


@scenario
def keep_in_the_place_of_the_logger(bench: Bench) -> None:
    logger = bench.ns.loggers.CSVLogger(bench.root, name="runs")
    bench.fit(enable_checkpointing=True, logger=logger)
    bench.facts["files"] = bench.files(".")


@scenario
def keep_nothing_in_fast_dev_run(bench: Bench) -> None:
    _fit(bench, _keeping(bench, save_last=True), fast_dev_run=True)
