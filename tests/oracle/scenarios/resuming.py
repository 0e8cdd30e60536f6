"""Going on from a file, and loading weights from one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from tests.oracle.bench import Bench
from tests.oracle.data import loader, samples
from tests.oracle.scenarios._registry import scenario
from tests.oracle.scenarios.checkpoints import adam


def _same(batches: int) -> DataLoader:
    """Batches that are all alike, for what must not depend on which of them come again."""
    return DataLoader(samples(1).expand(2 * batches, -1), batch_size=2)  # type: ignore[arg-type]


def _save_at(bench: Bench, hook: str, at: int) -> Any:
    def save(self: Any, trainer: Any, *args: Any) -> None:
        if trainer.global_step == at and not trainer.sanity_checking:
            trainer.save_checkpoint(bench.root / "file.ckpt")

    return bench.plain_callback(**{hook: save})


def save_first(bench: Bench) -> None:
    """The first half: one epoch, then a file."""
    module, callbacks = bench.module(configure_optimizers=adam), [bench.callback("A"), bench.monitor()]
    trainer = bench.trainer(callbacks=callbacks)
    trainer.fit(module, datamodule=_source(bench))
    trainer.save_checkpoint(bench.root / "file.ckpt")


def resume_second(bench: Bench, path: Path) -> None:
    """The second half: a new module goes on from the file for one more epoch."""
    module, callbacks = bench.module(configure_optimizers=adam), [bench.callback("A"), bench.monitor()]
    trainer = bench.trainer(callbacks=callbacks, max_epochs=2, num_sanity_val_steps=2, logger=bench.logger())
    trainer.fit(module, datamodule=_source(bench), ckpt_path=str(path))


def _source(bench: Bench) -> Any:
    return bench.datamodule(
        train_dataloader=lambda self: loader(2),
        val_dataloader=lambda self: loader(1),
        state_dict=lambda self: {"seen": 3},
    )


@scenario
def resume_after_fit(bench: Bench) -> None:
    save_first(bench)
    resume_second(bench, bench.root / "file.ckpt")


def _resume(bench: Bench, hook: str, at: int, **options: Any) -> None:
    module, saving = bench.module(configure_optimizers=adam), _save_at(bench, hook, at)
    shared = {"max_epochs": 2, **options}
    bench.fit(train=_same(4), module=module, callbacks=[saving], **shared)
    bench.facts["whole"] = module.layer.weight
    bench.recorder.events.append("--- resumed ---")
    again, trainer = (
        bench.module(configure_optimizers=adam),
        bench.trainer(callbacks=[bench.callback()], **shared),
    )
    trainer.fit(again, _same(4), loader(1), ckpt_path=str(bench.root / "file.ckpt"))


@scenario
def resume_within_epoch(bench: Bench) -> None:
    _resume(bench, "on_train_batch_end", 2)


@scenario
def resume_within_second_epoch(bench: Bench) -> None:
    _resume(bench, "on_train_batch_end", 6)


@scenario
def resume_from_last_batch(bench: Bench) -> None:
    _resume(bench, "on_train_batch_end", 4)


@scenario
def resume_from_end_of_epoch(bench: Bench) -> None:
    _resume(bench, "on_train_epoch_end", 4)


@scenario
def resume_from_validation(bench: Bench) -> None:
    _resume(bench, "on_validation_end", 4)


@scenario
def resume_from_validation_within_epoch(bench: Bench) -> None:
    _resume(bench, "on_validation_end", 2, val_check_interval=2)


@scenario
def resume_with_monitored_checkpoint(bench: Bench) -> None:
    saving = bench.ns.callbacks.ModelCheckpoint(bench.root / "kept", monitor="val_loss")
    bench.fit(module=bench.module(configure_optimizers=adam), callbacks=[saving], enable_checkpointing=True)
    again = bench.ns.callbacks.ModelCheckpoint(bench.root / "kept", monitor="val_loss", save_top_k=1)
    trainer = bench.trainer(callbacks=[again], enable_checkpointing=True, max_epochs=3)
    trainer.fit(
        bench.module(configure_optimizers=adam), loader(2), loader(1), ckpt_path=saving.best_model_path
    )
    bench.facts["files"] = bench.files("kept")
    bench.facts["score"] = float(again.best_model_score)


@scenario
def resume_finished_run(bench: Bench) -> None:
    save_first(bench)
    module, trainer = bench.module(configure_optimizers=adam), bench.trainer()
    trainer.fit(module, loader(2), loader(1), ckpt_path=bench.root / "file.ckpt")


@scenario
def evaluate_from_file(bench: Bench) -> None:
    save_first(bench)
    module, trainer = bench.module(configure_optimizers=adam), bench.trainer(callbacks=[bench.callback("A")])
    path = str(bench.root / "file.ckpt")
    bench.answer(trainer.validate(module, loader(1), ckpt_path=path, verbose=False))
    bench.answer(trainer.test(module, loader(1), ckpt_path=path, verbose=False))
    bench.answer(trainer.predict(module, loader(1), ckpt_path=path))


@scenario
def evaluate_the_best(bench: Bench) -> None:
    saving = bench.ns.callbacks.ModelCheckpoint(bench.root / "kept", monitor="val_loss", mode="max")
    trainer = bench.fit(callbacks=[saving], enable_checkpointing=True, max_epochs=3)
    bench.answer(trainer.test(dataloaders=loader(1), ckpt_path="best", verbose=False))
    bench.answer(
        trainer.validate(bench.last_module, loader(1), ckpt_path=saving.best_model_path, verbose=False)
    )


@scenario
def evaluate_without_module(bench: Bench) -> None:
    saving = bench.ns.callbacks.ModelCheckpoint(bench.root / "kept", monitor="val_loss", mode="max")
    trainer = bench.fit(callbacks=[saving], enable_checkpointing=True, max_epochs=2)
    bench.answer(trainer.test(dataloaders=loader(1), verbose=False))


@scenario
def load_from_checkpoint(bench: Bench) -> None:
    save_first(bench)
    again = type(bench.last_module).load_from_checkpoint(bench.root / "file.ckpt")
    bench.facts["weight"] = again.layer.weight
    bench.facts["training"] = again.training


@scenario
def resume_from_last(bench: Bench) -> None:
    def saving() -> Any:
        return bench.ns.callbacks.ModelCheckpoint(bench.root / "kept", save_last=True)

    bench.fit(module=bench.module(configure_optimizers=adam), callbacks=[saving()], enable_checkpointing=True)
    trainer = bench.trainer(callbacks=[saving()], enable_checkpointing=True, max_epochs=2)
    trainer.fit(bench.module(configure_optimizers=adam), loader(2), loader(1), ckpt_path="last")
    bench.facts["files"] = bench.files("kept")
