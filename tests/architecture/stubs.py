"""Stubs for the official plugins, so that type checkers and editors know what is found at run time.

``python -m tests.architecture.stubs`` writes them from the plugins of this repository, which have to be installed.
"""

from __future__ import annotations

import re
import types
import typing
from datetime import timedelta
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

from leyden.api.keywords import KEYWORDS
from leyden.plugins.catalogue import COMPONENTS, OPTIONS, PREFIX, catalogue
from tests.architecture.repository import KERNEL, PLUGINS

NOTE = '"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""\n\n'
TRAINER = KERNEL.source / "api" / "trainer_keywords.pyi"
FURTHER = "\ndef __getattr__(name: str) -> Any: ...  # what plugins of third parties offer\n"
PRECISE = {
    "accelerator": "str | Accelerator",
    "callbacks": "Callback | Sequence[Callback] | None",
    "logger": "bool | Logger | Iterable[Logger] | None",
    "plugins": "object | Sequence[object]",
    "profiler": "str | Profiler | None",
    "strategy": "str | Strategy",
    "trace": "bool | str | PathLike[str]",
}
"""Keywords whose run-time annotation says only ``object``, because their check is in words."""
_IMPORT = re.compile(r"^    (from \S+ import \w+ as \w+)$", re.MULTILINE)


def stubs() -> dict[Path, str]:
    """The text of each stub by its file."""
    return {TRAINER: trainer(), **{KERNEL.source / f"{one}.pyi": family(one) for one in views()}}


def views() -> list[str]:
    """The families that have a module of their own."""
    return [one for one in COMPONENTS if (KERNEL.source / f"{one}.py").is_file()]


def family(name: str) -> str:
    """A family's module: what the kernel defines, then every official plugin."""
    own = _IMPORT.findall((KERNEL.source / f"{name}.py").read_text(encoding="utf-8"))
    offered = set()
    for plugin in PLUGINS:
        targets = [*plugin.entry_points.get(PREFIX + name, {}).values()]
        start = f"{name}."
        targets += [
            value
            for key, value in plugin.entry_points.get("leyden.names", {}).items()
            if key.startswith(start)
        ]
        for target in targets:
            module, _, attribute = target.partition(":")
            offered.add(f"from {module} import {attribute} as {attribute}")
    lines = ["from typing import Any", "", *sorted({*own, *offered})]
    return NOTE + "\n".join(lines) + "\n" + FURTHER


def trainer() -> str:
    """The Trainer's keywords as a TypedDict."""
    keywords = {name: one.annotation for name, one in KEYWORDS.items()}
    official = {plugin.name for plugin in PLUGINS}
    for entry in catalogue().group(OPTIONS):
        if entry.distribution in official:
            option = entry.load()
            if not option.hidden:
                keywords[entry.name] = option.annotation
    lines = [f"    {name}: {PRECISE.get(name) or rendered(one)}" for name, one in keywords.items()]
    imports = [
        "from collections.abc import Iterable, Sequence",
        "from datetime import timedelta",
        "from os import PathLike",
        "from typing import Any, TypedDict",
        "",
        "from leyden.api.callback import Callback",
        "from leyden.api.logger import Logger",
        "from leyden.interfaces.accelerator import Accelerator",
        "from leyden.interfaces.profiler import Profiler",
        "from leyden.interfaces.strategy import Strategy",
    ]
    return NOTE + "\n".join([*imports, "", "class TrainerKeywords(TypedDict, total=False):", *lines]) + "\n"


def rendered(annotation: Any) -> str:
    """An annotation as source, without bounds, which no type checker knows."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return rendered(typing.get_args(annotation)[0])
    if origin is Literal:
        values = ", ".join(map(repr, typing.get_args(annotation)))
        return f"Literal[{values}]"
    if origin in (types.UnionType, typing.Union):
        kinds = dict.fromkeys(rendered(one) for one in typing.get_args(annotation))
        return " | ".join(one for one in kinds if not (one == "Literal[-1]" and "int" in kinds))
    if origin is not None:
        inner = ", ".join(rendered(one) for one in typing.get_args(annotation))
        return f"{origin.__name__}[{inner}]"
    if annotation in (None, type(None)):
        return "None"
    if annotation is Ellipsis:
        return "..."
    if annotation is Any:
        return "Any"
    if annotation in (timedelta, PathLike) or annotation.__module__ == "builtins":
        return str(annotation.__name__)
    return "Any"


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
