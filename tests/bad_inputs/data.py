"""Data that is none: loaders that are missing, empty, not iterable, or shorter than a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from .case import Case, Control, Program
from .namespace import Namespace
from .tiny import STAGES, datamodule, loader, module, run, stream, trainer


def _passed(stage: str, make: Callable[[], Any]) -> Program:
    """Run a stage with something as its loader."""

    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns), make())

    return program


def _hooked(stage: str, value: Callable[[], Any], owner: str = "module") -> Program:
    """Run a stage with a module or datamodule whose loader hook returns something."""
    hook = f"{stage}_dataloader"

    def program(ns: Namespace, folder: Path) -> None:
        changes = {hook: lambda self: value()}
        if owner == "module":
            run(trainer(ns, folder), stage, module(ns, **changes))
        else:
            run(trainer(ns, folder), stage, module(ns), datamodule=datamodule(ns, **changes))

    return program


def _empty() -> DataLoader[Any]:
    return loader(samples=0, shuffle=False)


def _all_dropped() -> DataLoader[Any]:
    return loader(samples=3, batch_size=8, drop_last=True)


def _loop() -> Iterator[Any]:
    yield from loader()


class _Sized:
    """Has a length and nothing else."""

    def __len__(self) -> int:
        return 4


# Neither a loader nor a collection of loaders: iterating over it gives no batches.
_NO_LOADERS: Mapping[str, tuple[Callable[[], Any], tuple[str, ...], str]] = {
    "number": (lambda: 17, ("17",), ""),
    "bool": (lambda: True, ("True",), ""),
    "text": (lambda: "train.csv", ("train.csv",), "every letter counts as a batch"),
    "bytes": (lambda: b"train", ("bytes",), "every byte counts as a batch"),
    "path": (lambda: Path("train.csv"), ("train.csv",), ""),
    "loader class": (lambda: DataLoader, ("DataLoader",), ""),
    "function": (lambda: _loop, ("_loop",), "a generator function that nobody called"),
    "sized only": (_Sized, ("_Sized",), ""),
    "module": (lambda: torch.nn.Linear(1, 1), ("Linear",), ""),
    "list of numbers": (lambda: [17, 18], ("17",), ""),
    "list of None": (lambda: [None], ("None",), ""),
    "list with None": (lambda: [loader(), None], ("None",), ""),
    "dict of None": (lambda: {"first": None}, ("None",), ""),
}
_NO_BATCHES: Mapping[str, tuple[Callable[[], Any], str]] = {
    "empty loader": (_empty, "nothing is trained or measured, and the run counts as a success"),
    "empty stream": (lambda: stream(0), "nothing is trained or measured, and the run counts as a success"),
    "empty list": (lambda: [], "no loader at all, and the run counts as a success"),
}


def _no_loaders() -> Iterator[Case]:
    for label, (make, names, why) in _NO_LOADERS.items():
        hook = "train_dataloader"
        yield Case(f"data/{hook} returns/{label}", _hooked("train", make), (hook, *names), why=why)
        yield Case(f"data/test gets/{label}", _passed("test", make), ("dataloaders", *names), why=why)


def _no_batches() -> Iterator[Case]:
    for label, (make, why) in _NO_BATCHES.items():
        for stage in STAGES:
            hook = f"{stage}_dataloader"
            yield Case(f"data/{hook} returns/{label}", _hooked(stage, make), (hook,), why=why)


def _empty_validation(ns: Namespace, folder: Path) -> None:
    trainer(ns, folder).fit(module(ns), loader(), _empty())


def _one_of_two_empty() -> list[DataLoader[Any]]:
    return [loader(), _empty()]


def _none() -> Iterator[Case]:
    for stage, method in STAGES.items():
        hook = f"{stage}_dataloader"
        yield Case(f"data/{hook} returns/None", _hooked(stage, lambda: None), (hook, "None"))
        yield Case(
            f"data/datamodule {hook} returns/None", _hooked(stage, lambda: None, "data"), (hook, "None")
        )
        yield Case(f"data/{method}/no loader at all", _nothing(stage), (hook,))
    yield Case("data/fit/datamodule without loaders", _bare_datamodule("train"), ("train_dataloader",))


def _nothing(stage: str) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns))

    return program


def _bare_datamodule(stage: str) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns), datamodule=ns.LightningDataModule())

    return program


_NO_DATAMODULES: Mapping[str, tuple[Callable[[Namespace], Any], str]] = {
    "loader": (lambda ns: loader(), "DataLoader"),
    "class": (lambda ns: ns.LightningDataModule, "LightningDataModule"),
    "number": (lambda ns: 17, "17"),
    "text": (lambda ns: "mnist", "mnist"),
    "module": (lambda ns: torch.nn.Linear(1, 1), "Linear"),
    "list": (lambda ns: [datamodule(ns)], "TinyData"),
}


def _datamodule(stage: str, make: Callable[[Namespace], Any]) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns), datamodule=make(ns))

    return program


def _datamodules() -> Iterator[Case]:
    for label, (make, name) in _NO_DATAMODULES.items():
        yield Case(f"data/datamodule of fit/{label}", _datamodule("train", make), ("datamodule", name))
    yield Case("data/datamodule of test/number", _datamodule("test", lambda ns: 17), ("datamodule", "17"))


def _limited(stage: str, make: Callable[[], Any], **limits: Any) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder, **limits), stage, module(ns), make())

    return program


def _uneven_pair() -> list[DataLoader[Any]]:
    return [loader(), loader(2)]


def _limits() -> Iterator[Case]:
    for stage in STAGES:
        limit = f"limit_{stage}_batches"
        program = _limited(stage, stream, **{limit: 0.5})
        yield Case(f"data/{limit}/fraction of an unknown length", program, (limit,))
        if stage in ("val", "test"):
            program = _limited(stage, _uneven_pair, **{limit: 0.3})
            yield Case(f"data/{limit}/fraction of one of two loaders", program, (limit, "0.3"))
    program = _limited("train", stream, overfit_batches=0.5)
    yield Case("data/overfit_batches/fraction of an unknown length", program, ("overfit_batches",))


def _stage_swapped(ns: Namespace, folder: Path) -> None:
    trainer(ns, folder).fit(loader(), module(ns))


CASES = (
    *_no_loaders(),
    *_no_batches(),
    *_none(),
    Case(
        "data/train_dataloader returns/one of two empty",
        _hooked("train", _one_of_two_empty),
        ("train_dataloader",),
        why="the empty one ends the epoch at once: nothing is trained",
    ),
    Case(
        "data/fit gets/loader that drops everything",
        _passed("train", _all_dropped),
        ("train_dataloaders",),
        why="drop_last leaves no batch, and the run counts as a success",
    ),
    Case(
        "data/fit gets/empty validation loader",
        _empty_validation,
        ("val_dataloaders",),
        why="validation is left out, and every metric of it is missing",
    ),
    *_datamodules(),
    *_limits(),
    Case("data/fit/loader and model swapped", _stage_swapped, ("model", "DataLoader")),
)
CONTROLS = (
    *(Control(f"data/{stage}/hook", _hooked(stage, loader)) for stage in STAGES),
    *(Control(f"data/{stage}/datamodule", _hooked(stage, loader, "data")) for stage in STAGES),
    *(Control(f"data/{stage}/stream", _hooked(stage, stream)) for stage in STAGES),
    *(
        Control(f"data/{stage}/limited to none", _limited(stage, loader, **{f"limit_{stage}_batches": 0}))
        for stage in STAGES
    ),
    Control("data/generator", _passed("train", _loop)),
)
