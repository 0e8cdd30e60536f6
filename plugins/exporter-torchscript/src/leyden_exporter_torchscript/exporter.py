"""TorchScript, scripted or traced, and verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import torch

from leyden.errors import ConfigurationError
from leyden.interfaces import Inputs, VerifiedExporter
from leyden.plugins.errors import did_you_mean, listed

METHODS = ("script", "trace")
_OWN = {
    "script": ("optimize",),
    "trace": ("optimize", "check_trace", "check_inputs", "check_tolerance", "strict"),
}


class TorchScriptExporter(VerifiedExporter):
    """Compiles a module with ``torch.jit.script`` or ``torch.jit.trace`` and writes it with ``torch.jit.save``.

    Options beside those of :class:`leyden.interfaces.VerifiedExporter`: ``method`` (``"script"``, the default, or
    ``"trace"``), and the keywords of the function of that name. Scripting needs no sample; without one the weights of
    what was written are compared, with one its outputs. torch's notes that TorchScript is deprecated are not passed on.

    Source: https://docs.pytorch.org/docs/stable/jit.html
    """

    format: ClassVar[str] = "torchscript"
    suffix: ClassVar[str] = ".pt"
    needs_sample: ClassVar[bool] = False
    option_names: ClassVar[tuple[str, ...]] = ("method", *_OWN["trace"])
    in_memory: ClassVar[bool] = True

    def check(self, options: dict[str, Any]) -> None:
        method = options.get("method", "script")
        if method not in METHODS:
            hint = did_you_mean(str(method), METHODS)
            raise ConfigurationError.about("method", method, "'script' or 'trace'", hint)
        for name in options:
            if name in self.option_names[1:] and name not in _OWN[method]:
                allowed = f"one of {listed(_OWN[method])} with method={method!r}"
                raise ConfigurationError.about(f"export option {name!r}", options[name], allowed)

    def write(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> Any:
        method = options.get("method", "script")
        given = {name: options[name] for name in _OWN[method] if name in options}
        with _readable(model):
            made = torch.jit.script(model, **given) if method == "script" else _traced(model, inputs, given)
        torch.jit.save(made, path)
        return made

    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        loaded = torch.jit.load(path)
        return lambda batch: batch(loaded)

    def verify(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> dict[str, Any]:
        if inputs is not None:
            return super().verify(model, inputs, path, options)
        wanted, found = model.state_dict(), torch.jit.load(path).state_dict()
        differing = [
            name for name, one in found.items() if name not in wanted or not torch.equal(one, wanted[name])
        ]
        differing += [name for name in wanted if name not in found]
        if differing:
            raise self.mismatch(f"of {type(model).__name__} has other weights: {listed(differing)}.")
        return {"checked": "weights"}


class _Nobody:
    """The Trainer of a module that has none, as far as the module's properties ask for one."""

    logger, loggers = None, ()
    current_epoch = global_step = global_rank = local_rank = 0


@contextmanager
def _readable(model: Any) -> Iterator[None]:
    """Let ``trainer`` be read: torch.jit reads every property, and that one raises where there is no Trainer."""
    alone = [one for one in model.modules() if one.__dict__.get("_trainer", one) is None]
    for one in alone:
        one.__dict__["_trainer"] = _Nobody()
    try:
        yield
    finally:
        for one in alone:
            one.__dict__["_trainer"] = None


def _traced(model: Any, inputs: Inputs | None, given: dict[str, Any]) -> Any:
    if inputs is None:
        raise ConfigurationError(
            f"method='trace' needs a sample of {type(model).__name__}'s inputs: pass example_inputs, or set "
            "example_input_array in the module."
        )
    if given.get("check_inputs") is not None:
        checks = [Inputs.of(model, one) for one in given["check_inputs"]]
        given["check_inputs"] = [one.args for one in checks if one is not None]
    if not inputs.kwargs:
        return torch.jit.trace(model, inputs.args, **given)
    names = list(signature(model.forward).parameters)
    named = {**dict(zip(names, inputs.args, strict=False)), **inputs.kwargs}
    return torch.jit.trace(model, example_kwarg_inputs=named, **given)
