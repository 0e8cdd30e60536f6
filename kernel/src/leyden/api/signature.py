"""What ``help(Trainer)`` and ``inspect.signature(Trainer)`` show: every installed keyword and its owner."""

from __future__ import annotations

import inspect
from os import PathLike
from types import MappingProxyType
from typing import Any

from leyden.interfaces.option import Option
from leyden.plugins.catalogue import OPTIONS, catalogue
from leyden.plugins.errors import PluginError


class InstalledKeywords(inspect.Signature):
    """The signature of ``Trainer.__init__``: ``self`` and every installed keyword, looked up when somebody asks."""

    def __init__(self, parameters: Any = None, **kwargs: Any) -> None:
        if parameters is not None:
            super().__init__(parameters, **kwargs)

    @property
    def parameters(self) -> MappingProxyType[str, inspect.Parameter]:
        """The parameters by name."""
        if not hasattr(self, "_parameters"):
            own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
            super().__init__([own, *parameters()])
        return super().parameters


def parameters() -> list[inspect.Parameter]:
    """One keyword-only parameter for each keyword, the Trainer's own first."""
    from leyden.api.keywords import KEYWORDS

    keyword, precise = inspect.Parameter.KEYWORD_ONLY, _precise()
    own = [
        inspect.Parameter(name, keyword, default=one.default, annotation=precise.get(name, one.annotation))
        for name, one in KEYWORDS.items()
    ]
    return own + [
        inspect.Parameter(
            name, keyword, default=option.default, annotation=precise.get(name, option.annotation)
        )
        for name, option, _ in options()
    ]


def _precise() -> dict[str, Any]:
    """The types of keywords whose own annotation says ``object``, because their check is in words."""
    from leyden.api.callback import Callback
    from leyden.api.logger import Logger
    from leyden.interfaces.accelerator import Accelerator
    from leyden.interfaces.checkpoint_io import CheckpointIO
    from leyden.interfaces.environment import ClusterEnvironment
    from leyden.interfaces.precision import Precision
    from leyden.interfaces.profiler import Profiler
    from leyden.interfaces.strategy import Strategy

    component = Precision | CheckpointIO | ClusterEnvironment
    return {
        "accelerator": str | Accelerator,
        "callbacks": list[Callback] | Callback | None,
        "logger": bool | Logger | list[Logger] | None,
        "plugins": component | list[component | Any] | Any | None,
        "profiler": str | Profiler | None,
        "strategy": str | Strategy,
        "trace": bool | str | PathLike[str],
    }


def options() -> list[tuple[str, Any, str]]:
    """The installed options that load: keyword, option class, and distribution with version."""
    found = []
    for entry in catalogue().group(OPTIONS):
        try:
            option = entry.load()
        except PluginError:
            continue  # `leyden plugins list` shows it as broken; a signature has no place for it
        if isinstance(option, type) and issubclass(option, Option) and not option.hidden:
            found.append((entry.name, option, entry.origin))
    return found


def documentation() -> str:
    """The keywords as the lines of a docstring."""
    from leyden.api.keywords import KEYWORDS

    lines = ["", "Keywords of the Trainer itself:"]
    lines += [
        f"    {name} (default {one.default!r}): {one.doc}; {one.allowed}." for name, one in KEYWORDS.items()
    ]
    lines += ["", "Keywords of installed plugins:"]
    lines += [
        f"    {name} (default {one.default!r}): {one.doc} [{origin}]" for name, one, origin in options()
    ]
    return "\n".join(lines)
