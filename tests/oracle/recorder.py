"""Writes down every call of a hook, and makes the classes whose hooks are written down."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import nn

from tests.oracle.describe import MEASURED, describe_argument, measure, mode_of
from tests.oracle.tables import STEPS

Body = Callable[..., Any]
STATES = {
    "sanity_checking": "sanity",
    "training": "train",
    "validating": "validate",
    "testing": "test",
    "predicting": "predict",
}


class Recorder:
    """The events of one scenario in order, and the numbers that were seen on the way."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.values: list[list[Any]] = []
        self.trainer: Any = None

    def note(self, owner: str, hook: str, arguments: Mapping[str, Any], receiver: Any = None) -> None:
        """Append one event; arguments that hold numbers go to ``values`` as well."""
        shown = {name: value for name, value in arguments.items() if name not in ("trainer", "pl_module")}
        text = ", ".join(describe_argument(name, value) for name, value in shown.items())
        mode = f" ({mode_of(receiver)})" if hook in STEPS and isinstance(receiver, nn.Module) else ""
        self.events.append(f"{self.position()} {owner}.{hook}({text}){mode}")
        if owner in ("LM", "Log"):
            self._measure(f"{owner}.{hook}", shown)

    def _measure(self, event: str, arguments: Mapping[str, Any]) -> None:
        for name in sorted(MEASURED & arguments.keys()):
            number = measure(arguments[name])
            if number is not None:
                self.values.append([f"{event}.{name}", number])

    def position(self) -> str:
        """What the trainer does, in which epoch, after how many optimizer steps."""
        if self.trainer is None:
            return "[-]"
        state = next((text for name, text in STATES.items() if getattr(self.trainer, name)), "-")
        return f"[{state} e{self.trainer.current_epoch} s{self.trainer.global_step}]"


def recorded_class(
    recorder: Recorder,
    name: str,
    base: type,
    table: Mapping[str, str],
    bodies: Mapping[str, Body],
    attributes: Mapping[str, Any],
    without: Collection[str] = (),
) -> Any:
    """A subclass of ``base`` that notes each hook of ``table`` and then does the default.

    Args:
        recorder: Where the calls are noted.
        name: Name of the class and owner of its events.
        base: The class to derive from.
        table: Hook name to parameters, as they stand between the parentheses of a ``def``.
        bodies: What to do instead of the default, by hook.
        attributes: Further members of the class.
        without: Hooks of the table that are not overridden.
    """
    hooks = {
        hook: _recorded(recorder, name, hook, parameters, bodies.get(hook) or getattr(base, hook))
        for hook, parameters in table.items()
        if hook not in without
    }
    return type(name, (base,), {**attributes, **hooks})


def _recorded(recorder: Recorder, owner: str, hook: str, parameters: str, body: Body) -> Body:
    names = [part.strip().split("=")[0] for part in parameters.split(",") if part.strip()]
    plain = [name for name in names if not name.startswith("*")]

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder.note(owner, hook, dict(zip(plain, args, strict=False)), self)
        return body(self, *args, **kwargs)

    # A real signature: packages look at the names of a hook's parameters, and at its code object.
    scope: dict[str, Any] = {"run": run}
    signature, call = ", ".join(["self", *_split(parameters)]), ", ".join(["self", *names])
    exec(compile(f"def {hook}({signature}): return run({call})", f"<{owner}.{hook}>", "exec"), scope)
    return scope[hook]


def _split(parameters: str) -> list[str]:
    return [part.strip() for part in parameters.split(",") if part.strip()]
