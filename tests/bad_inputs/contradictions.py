"""Arguments that are fine alone and contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .case import Case, Control, Program
from .namespace import Namespace
from .tiny import STAGES, datamodule, fit, loader, module, run, stream, trainer

Arguments = Mapping[str, Any]
Make = Callable[[Namespace], Arguments]


def _fitting(make: Make) -> Program:
    """Fit with the Trainer arguments that ``make`` builds."""

    def program(ns: Namespace, folder: Path) -> None:
        fit(ns, folder, **make(ns))

    return program


_BAREBONES: Mapping[str, Any] = {
    "enable_checkpointing": True,
    "logger": True,
    "enable_progress_bar": True,
    "enable_model_summary": True,
    "num_sanity_val_steps": 2,
    "fast_dev_run": True,
    "detect_anomaly": True,
    "profiler": "simple",
}


def _the_same(arguments: Arguments, ns: Namespace) -> Arguments:
    return arguments


def _barebones() -> Iterator[Case]:
    for argument, value in _BAREBONES.items():
        arguments = {"barebones": True, argument: value}
        yield Case(
            f"contradiction/barebones/{argument}",
            _fitting(partial(_the_same, arguments)),
            ("barebones", argument),
            "construction",
            needs=(f"Trainer({argument})",),
        )


def _loaders_and_datamodule(stage: str, good: bool = False) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        data = () if good else (loader(),)
        run(trainer(ns, folder), stage, module(ns), *data, datamodule=datamodule(ns))

    return program


def _twice_the_data() -> Iterator[Case]:
    for stage, method in STAGES.items():
        argument = "train_dataloader" if stage == "train" else "dataloaders"
        names = (argument, "datamodule")
        yield Case(f"contradiction/{method}/loader and datamodule", _loaders_and_datamodule(stage), names)


def _validation_loader_and_datamodule(ns: Namespace, folder: Path) -> None:
    trainer(ns, folder).fit(module(ns), val_dataloaders=loader(), datamodule=datamodule(ns))


def _two_datamodules(ns: Namespace, folder: Path) -> None:
    trainer(ns, folder).fit(module(ns), datamodule(ns), datamodule=datamodule(ns))


def _datamodule_and_validation_loader(ns: Namespace, folder: Path) -> None:
    trainer(ns, folder).fit(module(ns), datamodule(ns), loader())


def _monitors(ns: Namespace, **arguments: Any) -> Arguments:
    return {"callbacks": [ns.callbacks.ModelCheckpoint(**arguments)], "enable_checkpointing": True}


def _twins(ns: Namespace, name: str, **arguments: Any) -> Arguments:
    kind = getattr(ns.callbacks, name)
    return {"callbacks": [kind(**arguments), kind(**arguments)], "enable_checkpointing": True}


def _without(ns: Namespace, switch: str, callback: str, **arguments: Any) -> Arguments:
    return {switch: False, "callbacks": [getattr(ns.callbacks, callback)(**arguments)]}


def _bars(ns: Namespace) -> Arguments:
    bars = [ns.callbacks.TQDMProgressBar(), ns.callbacks.RichProgressBar()]
    return {"callbacks": bars, "enable_progress_bar": True}


def _accumulation(ns: Namespace) -> Arguments:
    callbacks = [ns.callbacks.GradientAccumulationScheduler({0: 2})]
    return {"callbacks": callbacks, "accumulate_grad_batches": 2}


def _precisions(ns: Namespace) -> Arguments:
    return {"precision": "64-true", "plugins": [ns.plugins.Precision()]}


def _stream_interval(ns: Namespace, folder: Path) -> None:
    fit(ns, folder, data=stream(), val_check_interval=0.5)


def _two_precisions(ns: Namespace) -> Arguments:
    return {"plugins": [ns.plugins.Precision(), ns.plugins.DoublePrecision()]}


def _two_checkpoint_ios(ns: Namespace) -> Arguments:
    return {"plugins": [ns.plugins.TorchCheckpointIO(), ns.plugins.TorchCheckpointIO()]}


_NEVER_BOTH = "the maximum wins and the minimum is never reached"
CASES = (
    *_barebones(),
    *_twice_the_data(),
    Case(
        "contradiction/fit/validation loader and datamodule",
        _validation_loader_and_datamodule,
        ("val_dataloaders", "datamodule"),
    ),
    Case(
        "contradiction/fit/two datamodules",
        _two_datamodules,
        ("datamodule",),
        why="the second one is used, the first one dropped",
    ),
    Case(
        "contradiction/fit/datamodule and validation loader",
        _datamodule_and_validation_loader,
        ("datamodule",),
    ),
    Case(
        "contradiction/enable_checkpointing/ModelCheckpoint",
        _fitting(lambda ns: _without(ns, "enable_checkpointing", "ModelCheckpoint")),
        ("enable_checkpointing", "ModelCheckpoint"),
        "construction",
    ),
    Case(
        "contradiction/enable_progress_bar/TQDMProgressBar",
        _fitting(lambda ns: _without(ns, "enable_progress_bar", "TQDMProgressBar")),
        ("enable_progress_bar", "TQDMProgressBar"),
        "construction",
        needs=("callbacks.TQDMProgressBar",),
    ),
    Case(
        "contradiction/enable_progress_bar/RichProgressBar",
        _fitting(lambda ns: _without(ns, "enable_progress_bar", "RichProgressBar")),
        ("enable_progress_bar", "RichProgressBar"),
        "construction",
        needs=("callbacks.RichProgressBar",),
    ),
    Case(
        "contradiction/callbacks/two ModelCheckpoints",
        _fitting(lambda ns: _twins(ns, "ModelCheckpoint")),
        ("ModelCheckpoint", "state_key"),
    ),
    Case(
        "contradiction/callbacks/two EarlyStoppings",
        _fitting(lambda ns: _twins(ns, "EarlyStopping", monitor="loss")),
        ("EarlyStopping", "state_key"),
    ),
    Case(
        "contradiction/callbacks/two progress bars",
        _fitting(_bars),
        ("TQDMProgressBar", "RichProgressBar"),
        "construction",
        needs=("callbacks.TQDMProgressBar", "callbacks.RichProgressBar"),
    ),
    Case(
        "contradiction/logger/LearningRateMonitor",
        _fitting(lambda ns: _without(ns, "logger", "LearningRateMonitor")),
        ("logger", "LearningRateMonitor"),
        needs=("callbacks.LearningRateMonitor",),
    ),
    Case(
        "contradiction/logger/DeviceStatsMonitor",
        _fitting(lambda ns: _without(ns, "logger", "DeviceStatsMonitor")),
        ("logger", "DeviceStatsMonitor"),
        needs=("callbacks.DeviceStatsMonitor",),
    ),
    Case(
        "contradiction/accumulate_grad_batches/GradientAccumulationScheduler",
        _fitting(_accumulation),
        ("accumulate_grad_batches", "GradientAccumulationScheduler"),
        needs=("callbacks.GradientAccumulationScheduler",),
    ),
    Case(
        "contradiction/precision/Precision plugin",
        _fitting(_precisions),
        ("precision", "plugins"),
        "construction",
        needs=("plugins.Precision",),
    ),
    Case(
        "contradiction/plugins/two precisions",
        _fitting(_two_precisions),
        ("plugins", "Precision"),
        "construction",
        needs=("plugins.Precision", "plugins.DoublePrecision"),
    ),
    Case(
        "contradiction/plugins/two checkpoint ios",
        _fitting(_two_checkpoint_ios),
        ("plugins", "CheckpointIO"),
        "construction",
        needs=("plugins.TorchCheckpointIO",),
    ),
    Case(
        "contradiction/epochs/min above max",
        _fitting(lambda ns: {"min_epochs": 5, "max_epochs": 2}),
        ("min_epochs", "max_epochs", "5", "2"),
        "construction",
        why=_NEVER_BOTH,
    ),
    Case(
        "contradiction/steps/min above max",
        _fitting(lambda ns: {"min_steps": 5, "max_steps": 2}),
        ("min_steps", "max_steps", "5", "2"),
        "construction",
        why=_NEVER_BOTH,
    ),
    Case(
        "contradiction/val_check_interval/fraction of no epoch",
        _fitting(lambda ns: {"val_check_interval": 0.5, "check_val_every_n_epoch": None}),
        ("val_check_interval", "check_val_every_n_epoch"),
        "construction",
    ),
    Case("contradiction/val_check_interval/unknown length", _stream_interval, ("val_check_interval",)),
)

CONTROLS = (
    Control("contradiction/ModelCheckpoint", _fitting(lambda ns: _monitors(ns))),
    *(
        Control(f"contradiction/{stage}/datamodule", _loaders_and_datamodule(stage, good=True))
        for stage in STAGES
    ),
    Control("contradiction/barebones", _fitting(lambda ns: {"barebones": True})),
    Control(
        "contradiction/epochs/fast_dev_run",
        _fitting(lambda ns: {"min_epochs": 5, "max_epochs": 9, "fast_dev_run": True}),
    ),
    Control("contradiction/steps", _fitting(lambda ns: {"min_steps": 2, "max_steps": 5, "max_epochs": 3})),
    Control(
        "contradiction/callbacks/two ModelCheckpoints that differ",
        _fitting(
            lambda ns: {
                "enable_checkpointing": True,
                "callbacks": [
                    ns.callbacks.ModelCheckpoint(),
                    ns.callbacks.ModelCheckpoint(every_n_train_steps=2),
                ],
            }
        ),
    ),
)
