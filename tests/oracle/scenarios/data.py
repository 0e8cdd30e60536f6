"""Where batches come from."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DataLoader

from tests.oracle.bench import Bench, loss_of
from tests.oracle.data import loader, samples, stream
from tests.oracle.scenarios._registry import scenario


def _step_of_mapping(self: Any, batch: Any, batch_idx: int) -> Any:
    parts = [loss_of(self, part) for part in batch.values() if part is not None]
    return sum(parts)


def _step_of_list(self: Any, batch: Any, batch_idx: int) -> Any:
    return sum(loss_of(self, part) for part in batch)


@scenario
def several_training_loaders(bench: Bench) -> None:
    train = {"short": loader(1), "long": loader(3, start=8)}
    bench.fit(
        train=train, val=None, module=bench.module(full=True, training_step=_step_of_mapping), max_epochs=2
    )


@scenario
def list_of_training_loaders(bench: Bench) -> None:
    bench.fit(
        train=[loader(2), loader(3, start=8)], val=None, module=bench.module(training_step=_step_of_list)
    )


@scenario
def combined_loader_of_smallest(bench: Bench) -> None:
    combined = _combined(bench, {"short": loader(1), "long": loader(3, start=8)}, "min_size")
    bench.fit(train=combined, val=None, module=bench.module(training_step=_step_of_mapping))


@scenario
def combined_loader_of_largest(bench: Bench) -> None:
    combined = _combined(bench, {"short": loader(1), "long": loader(3, start=8)}, "max_size")
    bench.fit(train=combined, val=None, module=bench.module(training_step=_step_of_mapping))


def _combined(bench: Bench, loaders: Any, mode: str) -> Any:
    from importlib import import_module

    return import_module(f"{bench.ns.name}.utilities").CombinedLoader(loaders, mode)


@scenario
def plain_iterable(bench: Bench) -> None:
    bench.fit(train=_Batches(3), val=_Batches(1))


class _Batches:
    """An iterable of batches that is no DataLoader and knows its length."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Any:
        return iter(samples(2 * self.count).split(2))


@scenario
def stream_of_unknown_length(bench: Bench) -> None:
    bench.fit(train=stream(3), val=None, callbacks=[bench.callback()], max_epochs=2)


@scenario
def stream_with_limit(bench: Bench) -> None:
    bench.fit(train=stream(5), val=stream(3), limit_train_batches=2, limit_val_batches=1, max_epochs=2)


@scenario
def stream_while_accumulating(bench: Bench) -> None:
    bench.fit(train=stream(3), val=None, accumulate_grad_batches=2)


@scenario
def loaders_of_module(bench: Bench) -> None:
    module = bench.module(train_dataloader=lambda self: loader(2), val_dataloader=lambda self: loader(1))
    bench.fit(train=None, val=None, module=module, num_sanity_val_steps=1, max_epochs=2)


@scenario
def loaders_of_module_without_sanity_check(bench: Bench) -> None:
    module = bench.module(train_dataloader=lambda self: loader(2), val_dataloader=lambda self: loader(1))
    bench.fit(train=None, val=None, module=module, check_val_every_n_epoch=2, max_epochs=2)


@scenario
def loaders_reloaded(bench: Bench) -> None:
    module = bench.module(train_dataloader=lambda self: loader(2), val_dataloader=lambda self: loader(1))
    options = {"reload_dataloaders_every_n_epochs": 1, "num_sanity_val_steps": 1}
    bench.fit(train=None, val=None, module=module, max_epochs=3, **options)


@scenario
def loaders_of_module_for_evaluation(bench: Bench) -> None:
    stages: dict[str, Any] = {
        f"{stage}_dataloader": lambda self: loader(1) for stage in ("val", "test", "predict")
    }
    module, trainer = bench.module(**stages), bench.trainer()
    bench.answer(trainer.validate(module, verbose=False))
    bench.answer(trainer.test(module, verbose=False))
    bench.answer(trainer.predict(module))


def _datamodule(bench: Bench) -> Any:
    sizes = {"train": 2, "val": 1, "test": 2, "predict": 1}
    hooks = {f"{stage}_dataloader": _make_loader(size) for stage, size in sizes.items()}
    return bench.datamodule(**hooks)


def _make_loader(size: int) -> Any:
    return lambda self: loader(size)


@scenario
def datamodule_fit(bench: Bench) -> None:
    trainer = bench.trainer(callbacks=[bench.callback()], num_sanity_val_steps=1)
    trainer.fit(bench.module(full=True), datamodule=_datamodule(bench))


@scenario
def datamodule_evaluate(bench: Bench) -> None:
    trainer, module, source = bench.trainer(callbacks=[bench.callback()]), bench.module(), _datamodule(bench)
    bench.answer(trainer.validate(module, datamodule=source, verbose=False))
    bench.answer(trainer.test(module, datamodule=source, verbose=False))
    bench.answer(trainer.predict(module, source))


@scenario
def datamodule_in_place_of_loader(bench: Bench) -> None:
    bench.trainer().fit(bench.module(), _datamodule(bench))


@scenario
def transfer_changed_by_module(bench: Bench) -> None:
    module = bench.module(
        full=True,
        on_before_batch_transfer=lambda self, batch, dataloader_idx: batch + 0.0625,
        on_after_batch_transfer=lambda self, batch, dataloader_idx: batch[:1],
    )
    bench.fit(val=None, module=module, callbacks=[bench.callback()])


@scenario
def batch_of_nested_structure(bench: Bench) -> None:
    rows = samples(4)
    dataset: Any = [{"x": row, "pair": (row, 1), "name": "n"} for row in rows]
    structured: Any = DataLoader(dataset, batch_size=2)
    module = bench.module(full=True, training_step=lambda self, batch, batch_idx: loss_of(self, batch["x"]))
    bench.fit(train=structured, val=None, module=module)
