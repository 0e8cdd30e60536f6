"""What is made faster."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option
from leyden_option_fast.technique import Technique

NAMES = {
    "fused": "fused:Fused",
    "compile": "compiled:CompiledStep",
    "cuda-graphs": "compiled:CUDAGraphs",
    "channels-last": "channels_last:ChannelsLast",
    "prefetch": "prefetch:Prefetch",
    "workers": "workers:Workers",
}
"""What users write, and the class that does it."""


class Fast(Option):
    """``fast``: quicker ways to the same numbers, up to rounding."""

    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = object
    allowed: ClassVar[str] = (
        f"False, 'auto', or one or a list of {', '.join(map(repr, NAMES))} and objects of leyden_option_fast"
    )
    doc: ClassVar[str] = (
        "what is made faster: 'auto' picks what is safe, verifies and measures it; or names: 'fused', 'compile', …"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> Any:
        if value is False or value == "auto":
            return value
        several = isinstance(value, list | tuple)
        names = (
            [one if isinstance(one, Technique) else self._name(one, value) for one in value]
            if several
            else ([value if isinstance(value, Technique) else self._name(value, value)])
        )
        kinds = [one if isinstance(one, str) else one.name for one in names]
        if not kinds or len(set(kinds)) < len(kinds) or {"compile", "cuda-graphs"} <= set(kinds):
            raise ConfigurationError.about(
                "fast", value, self.allowed, "Name each once; 'cuda-graphs' compiles the step, too."
            )
        return names

    def _name(self, one: Any, value: Any) -> str:
        if not isinstance(one, str):
            raise ArgumentTypeError.about("fast", value, self.allowed)
        if one not in NAMES:
            raise ConfigurationError.about("fast", value, self.allowed)
        return one

    def apply(self, value: Any, trainer: Any) -> None:
        if value == "auto":
            from leyden_option_fast.auto import Auto

            trainer.add_listener(Auto())
        elif value:
            from leyden_option_fast.named import Named

            trainer.add_listener(Named([one if isinstance(one, Technique) else made(one) for one in value]))


def made(name: str) -> Any:
    """What a name stands for, with its defaults."""
    module, _, attribute = NAMES[name].partition(":")
    return getattr(import_module(f"leyden_option_fast.{module}"), attribute)()
