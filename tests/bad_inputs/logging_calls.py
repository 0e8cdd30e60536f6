"""``self.log`` where it cannot be called, and with what it cannot log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader

from .case import Case, Control, Program, When
from .namespace import Namespace
from .steps import loss
from .tiny import counted, fit, loader, module, run, trainer

Body = Callable[[Any, Any], Any]


def in_step(body: Body, step: str = "training_step") -> Program:
    """Run the stage of a step that does ``body(self, batch)`` before its loss."""
    stage = {
        "training_step": "train",
        "validation_step": "val",
        "test_step": "test",
        "predict_step": "predict",
    }[step]

    def value(self: Any, batch: Any) -> torch.Tensor:
        body(self, batch)
        return loss(self, batch)

    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns, **{step: counted(ns, step, value)}), loader())

    return program


def _log(**arguments: Any) -> Body:
    return lambda self, batch: self.log(**{"name": "loss", "value": 1.0, **arguments})


def _log_dict(values: Any, **arguments: Any) -> Body:
    return lambda self, batch: self.log_dict(values, **arguments)


class Hook(NamedTuple):
    """A hook of the module, when it runs, and the method of the Trainer that runs it."""

    name: str
    when: When = "before_first_step"
    stage: str = "train"


_UNLOGGED = (
    Hook("setup"),
    Hook("prepare_data"),
    Hook("configure_model"),
    Hook("configure_callbacks"),
    Hook("configure_optimizers"),
    Hook("train_dataloader"),
    Hook("on_fit_start"),
    Hook("on_train_end", "at_step"),
    Hook("on_fit_end", "at_step"),
    Hook("teardown", "at_step"),
    Hook("on_validation_end", "at_step", "val"),
    Hook("on_test_end", "at_step", "test"),
    Hook("on_predict_start", stage="predict"),
    Hook("on_predict_batch_end", "at_step", "predict"),
    Hook("on_predict_epoch_end", "at_step", "predict"),
    Hook("on_predict_end", "at_step", "predict"),
)
_EPOCH_ONLY = (
    Hook("on_train_start"),
    Hook("on_train_epoch_start"),
    Hook("on_train_epoch_end", "at_step"),
    Hook("on_validation_start", "before_first_step", "val"),
    Hook("on_validation_epoch_start", "before_first_step", "val"),
    Hook("on_validation_epoch_end", "at_step", "val"),
    Hook("on_test_epoch_start", "before_first_step", "test"),
    Hook("on_test_epoch_end", "at_step", "test"),
)
_ANYWHERE = ("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "on_after_backward")


def _in_hook(hook: Hook, **arguments: Any) -> Program:
    """Run a stage in which one hook of the module logs."""

    def logging(self: Any, *data: Any, **more: Any) -> Any:
        self.log("loss", 1.0, **arguments)
        return [] if hook.name == "configure_callbacks" else None

    def program(ns: Namespace, folder: Path) -> None:
        data = () if hook.name == "train_dataloader" else (loader(),)
        run(trainer(ns, folder), hook.stage, module(ns, **{hook.name: logging}), *data)

    return program


def _in_callback(hook: str, stage: str = "train") -> Program:
    """Run a stage in which one hook of a callback logs."""

    def logging(self: Any, owner: Any, pl_module: Any, *data: Any, **more: Any) -> None:
        pl_module.log("loss", 1.0)

    def program(ns: Namespace, folder: Path) -> None:
        callback = type("Logging", (ns.callbacks.Callback,), {hook: logging})()
        run(trainer(ns, folder, callbacks=[callback]), stage, module(ns), loader())

    return program


def _wrong_place() -> Iterator[Case]:
    for hook in _UNLOGGED:
        yield Case(f"log/in {hook.name}", _in_hook(hook), ("log", hook.name), hook.when)
    yield Case("log/in predict_step", in_step(_log(), "predict_step"), ("log", "predict_step"), "at_step")
    for hook in _EPOCH_ONLY:
        names = ("on_step", hook.name)
        yield Case(f"log/in {hook.name}/on_step", _in_hook(hook, on_step=True), names, hook.when)
    for name in ("setup", "on_fit_start"):
        yield Case(f"log/in callback {name}", _in_callback(name), ("log", name))
    for name, stage in (("on_train_end", "train"), ("on_predict_end", "predict")):
        yield Case(f"log/in callback {name}", _in_callback(name, stage), ("log", name), "at_step")


_SAMPLES = torch.ones(3)
_SIZELESS: Any = [17, 18]
_CALLS: Mapping[str, tuple[Body, tuple[str, ...]]] = {
    "neither on_step nor on_epoch": (_log(on_step=False, on_epoch=False), ("on_step", "on_epoch")),
    "value several elements": (_log(value=_SAMPLES), ("loss",)),
    "value no elements": (_log(value=torch.ones(0)), ("loss",)),
    "value array": (_log(value=_SAMPLES.numpy()), ("loss", "array")),
    "value text": (_log(value="low"), ("loss", "low")),
    "value none": (_log(value=None), ("loss", "None")),
    "value list": (_log(value=[2.75]), ("loss", "2.75")),
    "value complex": (_log(value=1j), ("loss", "1j")),
    "value nested": (_log(value={"first": {"second": 1.0}}), ("loss", "log_dict")),
    "value dict of text": (_log(value={"first": "low"}), ("first", "low")),
    "name number": (_log(name=17), ("name", "17")),
    "name none": (_log(name=None), ("name", "None")),
    "name with loader index": (_log(name="loss/dataloader_idx_0"), ("loss/dataloader_idx_0",)),
    "reduce_fx unknown": (_log(on_epoch=True, reduce_fx="median"), ("reduce_fx", "median", "mean")),
    "reduce_fx function": (_log(on_epoch=True, reduce_fx=torch.median), ("reduce_fx", "median")),
    "reduce_fx number": (_log(on_epoch=True, reduce_fx=17), ("reduce_fx", "17")),
    "reduce_fx none": (_log(on_epoch=True, reduce_fx=None), ("reduce_fx", "None")),
    "batch_size negative": (_log(on_epoch=True, batch_size=-7), ("batch_size", "-7")),
    "batch_size zero": (_log(on_epoch=True, batch_size=0), ("batch_size", "0")),
    "batch_size text": (_log(on_epoch=True, batch_size="many"), ("batch_size", "many")),
    "batch_size fraction": (_log(on_epoch=True, batch_size=2.75), ("batch_size", "2.75")),
    "prog_bar text": (_log(prog_bar="no"), ("prog_bar", "no")),
    "on_step text": (_log(on_step="no"), ("on_step", "no")),
    "on_epoch text": (_log(on_epoch="no"), ("on_epoch", "no")),
    "sync_dist text": (_log(sync_dist="no"), ("sync_dist", "no")),
    "log_dict of a number": (_log_dict(17), ("log_dict", "17")),
    "log_dict of a list": (_log_dict([1.0]), ("log_dict", "list")),
    "log_dict of none": (_log_dict(None), ("log_dict", "None")),
    "log_dict with a number as name": (_log_dict({17: 1.0}), ("17",)),
    "log_dict of vectors": (_log_dict({"first": _SAMPLES}), ("first",)),
    "log_dict neither on_step nor on_epoch": (
        _log_dict({"first": 1.0}, on_step=False, on_epoch=False),
        ("on_step", "on_epoch"),
    ),
}
_TRUTH = "any text is true, also 'no'"
_CALLS_WHY = {
    "batch_size negative": "the mean over the epoch divides by a negative weight",
    "batch_size zero": "the mean over the epoch becomes NaN",
    "batch_size fraction": "the mean over the epoch is weighted by what no batch has",
}


def _calls() -> Iterator[Case]:
    for label, (body, names) in _CALLS.items():
        why = _CALLS_WHY.get(label, _TRUTH if label.endswith(" text") else "")
        yield Case(f"log/{label}", in_step(body), names, "at_step", why)
    for label in ("value several elements", "neither on_step nor on_epoch"):
        body, names = _CALLS[label]
        yield Case(f"log/in validation_step/{label}", in_step(body, "validation_step"), names, "at_step")


def _changed(**second: Any) -> Body:
    """Log twice under one name in one hook, the second time with other arguments."""

    def body(self: Any, batch: Any) -> None:
        self.log("loss", 1.0, on_epoch=True)
        self.log("loss", 1.0, **{"on_epoch": True, **second})

    return body


_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "reduce_fx": {"reduce_fx": "sum"},
    "on_step": {"on_step": False},
    "prog_bar": {"prog_bar": True},
    "logger": {"logger": False},
}


def _changes() -> Iterator[Case]:
    for label, second in _CHANGES.items():
        yield Case(
            f"log/other arguments the second time/{label}", in_step(_changed(**second)), ("loss",), "at_step"
        )


def _unmeasurable(ns: Namespace, folder: Path) -> None:
    """A batch without a tensor has no size to weight by."""

    def body(self: Any, batch: Any) -> torch.Tensor:
        self.log("loss", 1.0, on_epoch=True)
        return self.layer(torch.ones(1, 2)).mean()

    fit(
        ns,
        folder,
        module(ns, training_step=counted(ns, "training_step", body)),
        data=DataLoader(_SIZELESS, batch_size=None),
    )


def _metric(attribute: bool, name: str | None = None) -> Program:
    """Log a metric object that is, or is not, an attribute of the module."""

    def program(ns: Namespace, folder: Path) -> None:
        from torchmetrics import MeanMetric

        apart = MeanMetric()

        def body(self: Any, batch: Any) -> torch.Tensor:
            metric = self.kept if attribute else apart
            metric(loss(self, batch).detach())
            self.log("mean", metric, metric_attribute=name)
            return loss(self, batch)

        model = module(ns, training_step=counted(ns, "training_step", body))
        model.kept = MeanMetric()
        fit(ns, folder, model)

    return program


CASES = (
    *_wrong_place(),
    *_calls(),
    *_changes(),
    Case("log/mean over batches without a size", _unmeasurable, ("batch_size",), "at_step"),
    Case(
        "log/metric that is no attribute", _metric(attribute=False), ("mean", "metric_attribute"), "at_step"
    ),
    Case(
        "log/metric_attribute that does not exist",
        _metric(attribute=True, name="lost"),
        ("metric_attribute", "lost"),
        "at_step",
        why="nobody resets the metric, so each epoch adds to the last",
    ),
)
CONTROLS = (
    *(Control(f"log/in {name}", _in_hook(Hook(name))) for name in _ANYWHERE),
    *(Control(f"log/in {hook.name}", _in_hook(hook)) for hook in _EPOCH_ONLY),
    Control("log/number", in_step(_log(value=17))),
    Control("log/one element", in_step(_log(value=torch.ones(1, 1)))),
    Control("log/log_dict", in_step(_log_dict({"first": 1.0, "second": torch.tensor(2.0)}))),
    Control("log/reduce_fx", in_step(_log(on_epoch=True, reduce_fx=torch.sum))),
    Control("log/twice", in_step(_changed())),
    Control("log/validation", in_step(_log(), "validation_step")),
    Control("log/in callback", _in_callback("on_train_epoch_end")),
    Control("log/metric", _metric(attribute=True)),
)
