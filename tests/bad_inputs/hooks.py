"""The user's hooks: with wrong parameters, of the wrong kind, or returning what nothing can be done with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .case import Case, Control, Program
from .namespace import Method, Namespace
from .tiny import datamodule, fit, module, named, trainer

_NEVER_AWAITED = "the coroutine is never awaited, so the hook never runs"


def _fit_module(**changes: Any) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        fit(ns, folder, module(ns, **changes))

    return program


def _fit_callback(hook: str, value: Any) -> Program:
    """Fit with a callback that has one hook."""

    def program(ns: Namespace, folder: Path) -> None:
        callback = type("Tiny", (ns.callbacks.Callback,), {hook: value})()
        fit(ns, folder, callbacks=[callback])

    return program


def _fit_datamodule(**changes: Any) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        trainer(ns, folder).fit(module(ns), datamodule=datamodule(ns, **changes))

    return program


def _nothing_taken() -> None:
    raise AssertionError("a method without self cannot be called")


def _self_and_more(
    self: Any, one: Any, two: Any, three: Any, four: Any, five: Any, six: Any, seven: Any
) -> None:
    raise AssertionError("nobody hands over seven things")


async def _coroutine(self: Any, *data: Any) -> None:
    raise AssertionError("nobody awaits a hook")


# Hooks that run before the first step and hooks that run long after it.
_MODULE_HOOKS = (
    "setup",
    "on_fit_start",
    "on_train_start",
    "on_train_batch_start",
    "on_train_batch_end",
    "on_validation_epoch_end",
    "on_train_end",
    "optimizer_step",
    "configure_gradient_clipping",
)
_CALLBACK_HOOKS = (
    "setup",
    "on_train_start",
    "on_train_batch_end",
    "on_validation_end",
    "on_fit_end",
)


def _signatures() -> Iterator[Case]:
    for hook in _MODULE_HOOKS:
        program = _fit_module(**{hook: named(_self_and_more, hook)})
        yield Case(f"hook/module {hook}/seven parameters", program, (hook,))
    for hook in _CALLBACK_HOOKS:
        program = _fit_callback(hook, named(_self_and_more, hook))
        yield Case(f"hook/callback {hook}/seven parameters", program, (hook,))
    for hook in ("on_train_start", "on_train_batch_end"):
        program = _fit_module(**{hook: named(_nothing_taken, hook)})
        yield Case(f"hook/module {hook}/no self", program, (hook,))
        program = _fit_callback(hook, named(_nothing_taken, hook))
        yield Case(f"hook/callback {hook}/no self", program, (hook,))


def _kinds() -> Iterator[Case]:
    for hook in ("on_train_start", "on_train_epoch_end"):
        coroutine = named(_coroutine, hook)
        yield Case(f"hook/module {hook}/async", _fit_module(**{hook: coroutine}), (hook,), why=_NEVER_AWAITED)
        yield Case(f"hook/callback {hook}/async", _fit_callback(hook, coroutine), (hook,), why=_NEVER_AWAITED)
        yield Case(f"hook/module {hook}/not callable", _fit_module(**{hook: 17}), (hook,), why="never called")
        yield Case(f"hook/callback {hook}/not callable", _fit_callback(hook, 17), (hook,), why="never called")


_BATCH_HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


def _transfers() -> Iterator[Case]:
    why = "the step gets None instead of its batch"
    for hook in _BATCH_HOOKS:
        yield Case(
            f"hook/module {hook}/returns None", _fit_module(**{hook: _batch_lost(hook)}), (hook,), why=why
        )
        changes = {hook: _batch_lost(hook)}
        yield Case(f"hook/datamodule {hook}/returns None", _fit_datamodule(**changes), (hook,), why=why)


def _batch_lost(hook: str) -> Method:
    if hook == "transfer_batch_to_device":
        return lambda self, batch, device, dataloader_idx: None
    return lambda self, batch, dataloader_idx: None


_CALLBACKS_RETURNED: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "number": (lambda ns: 17, ("17",)),
    "text": (lambda ns: "early", ("early",)),
    "list of numbers": (lambda ns: [17], ("17",)),
    "list of text": (lambda ns: ["early"], ("early",)),
    "class": (lambda ns: ns.callbacks.EarlyStopping, ("EarlyStopping",)),
    "list of classes": (lambda ns: [ns.callbacks.EarlyStopping], ("EarlyStopping",)),
    "dict": (lambda ns: {"early": ns.callbacks.Callback()}, ("early",)),
    "nested list": (lambda ns: [[ns.callbacks.Callback()]], ("list",)),
}


def _configured_callbacks(make: Any) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        fit(ns, folder, module(ns, configure_callbacks=lambda self: make(ns)))

    return program


def _configure_callbacks() -> Iterator[Case]:
    for label, (make, names) in _CALLBACKS_RETURNED.items():
        program = _configured_callbacks(make)
        yield Case(f"hook/configure_callbacks returns/{label}", program, ("configure_callbacks", *names))


def _skip(value: Any) -> Program:
    return _fit_module(on_train_batch_start=lambda self, batch, batch_idx: value)


def _batch_start() -> Iterator[Case]:
    why = "only -1 ends the epoch; anything else is dropped"
    for label, value in {
        "text": "skip",
        "other number": -17,
        "true": True,
        "tensor": torch.tensor(-1),
    }.items():
        names = ("on_train_batch_start", *(() if label == "tensor" else (str(value),)))
        yield Case(f"hook/on_train_batch_start returns/{label}", _skip(value), names, "at_step", why)


def _optimizer_step_without_closure(
    self: Any, epoch: int, batch_idx: int, optimizer: Any, closure: Any
) -> None:
    optimizer.zero_grad()


def _clip_again(self: Any, optimizer: Any, gradient_clip_val: Any, gradient_clip_algorithm: Any) -> None:
    self.clip_gradients(optimizer, gradient_clip_val=0.25, gradient_clip_algorithm="value")


def _clip_unknown(self: Any, optimizer: Any, gradient_clip_val: Any, gradient_clip_algorithm: Any) -> None:
    self.clip_gradients(optimizer, gradient_clip_val=0.25, gradient_clip_algorithm="l2")


def _clip_twice(ns: Namespace, folder: Path) -> None:
    fit(ns, folder, module(ns, configure_gradient_clipping=_clip_again), gradient_clip_val=0.5)


def _manual_backward(self: Any, batch: Any, batch_idx: int) -> None:
    self.manual_backward(self.layer(batch[0]).mean())


def _raw_datamodule(hook: str, value: Any) -> Program:
    return _fit_datamodule(**{hook: named(value, hook)})


def _datamodule_hooks() -> Iterator[Case]:
    for hook in ("setup", "prepare_data", "train_dataloader", "teardown"):
        program = _raw_datamodule(hook, _self_and_more)
        yield Case(f"hook/datamodule {hook}/seven parameters", program, (hook,))
    for hook in ("setup", "prepare_data", "train_dataloader"):
        program = _raw_datamodule(hook, _coroutine)
        yield Case(f"hook/datamodule {hook}/async", program, (hook,), why=_NEVER_AWAITED)


CASES = (
    *_signatures(),
    *_kinds(),
    *_transfers(),
    *_configure_callbacks(),
    *_batch_start(),
    *_datamodule_hooks(),
    Case(
        "hook/optimizer_step/closure not called",
        _fit_module(optimizer_step=_optimizer_step_without_closure),
        ("optimizer_step", "closure"),
        "at_step",
    ),
    Case(
        "hook/clip_gradients/against the Trainer",
        _clip_twice,
        ("gradient_clip_val", "0.25", "0.5"),
        "at_step",
    ),
    Case(
        "hook/clip_gradients/unknown algorithm",
        _fit_module(configure_gradient_clipping=_clip_unknown),
        ("gradient_clip_algorithm", "l2"),
        "at_step",
    ),
    Case(
        "hook/manual_backward/automatic optimization",
        _fit_module(training_step=_manual_backward),
        ("manual_backward", "automatic_optimization"),
        "at_step",
    ),
)
CONTROLS = (
    Control("hook/configure_callbacks", _configured_callbacks(lambda ns: [ns.callbacks.Callback()])),
    Control("hook/configure_callbacks one", _configured_callbacks(lambda ns: ns.callbacks.Callback())),
    Control("hook/configure_callbacks none", _configured_callbacks(lambda ns: [])),
    Control("hook/on_train_batch_start", _skip(-1)),
    Control("hook/callback", _fit_callback("on_train_start", lambda self, trainer, pl_module: None)),
    Control("hook/callback renamed", _fit_callback("on_train_start", lambda self, one, two: None)),
    Control("hook/callback starred", _fit_callback("on_train_start", lambda self, *data: None)),
    Control("hook/datamodule", _fit_datamodule(setup=lambda self, stage: None)),
    Control("hook/transfer", _fit_module(on_after_batch_transfer=lambda self, batch, dataloader_idx: batch)),
)
