"""``leyden plugins show NAME``."""

from __future__ import annotations

import importlib.util
import inspect
from argparse import Namespace
from pathlib import Path
from typing import Any

from leyden.cli.families import family_of, selected
from leyden.kernel.events import EVENTS
from leyden.plugins.catalogue import COMMANDS, DEFAULTS, OPTIONS, Entry, catalogue
from leyden.plugins.errors import PluginError


def run(arguments: Namespace) -> int:
    """Print everything about the plugins that a name stands for."""
    print("\n\n".join("\n".join(describe(entry)) for entry in selected(arguments.name)))
    return 0


def describe(entry: Entry) -> list[str]:
    """The lines about one entry."""
    facts = metadata(entry)
    try:
        loaded = entry.load()
    except PluginError as error:
        facts["state"], facts["problem"] = entry.state, " ".join(str(error).split())
    else:
        facts["state"] = entry.state
        facts |= {"what": first_line(loaded), **details(entry, loaded)}
    width = max(map(len, facts)) + 1
    title = f"{entry.name} ({family_of(entry.group)})"
    return [
        title,
        *(f"  {name + ':':<{width}} {line}" for name, text in facts.items() for line in [text] if line),
    ]


def metadata(entry: Entry) -> dict[str, str]:
    """What metadata and the file system say."""
    from leyden.testing.wanted import siblings

    kernel = ", ".join(str(one) for one in siblings(entry.distribution, "leyden-kernel"))
    return {
        "distribution": entry.origin,
        "entry point": f"{entry.group} {entry.name} = {entry.value}",
        "file": file_of(entry.module),
        "kernel": kernel or ("(is the kernel)" if entry.distribution == "leyden-kernel" else "any"),
        "state": entry.state,
    }


def file_of(module: str) -> str:
    """The file of a module; found without importing the package that it stands in."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, *rest)
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if candidate.is_file():
                return str(candidate)
    return str(spec.origin) if spec and not rest else ""


def first_line(loaded: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(loaded) or "").partition("\n")[0]


def details(entry: Entry, loaded: Any) -> dict[str, str]:
    """What only the loaded object knows: arguments, hooks in the order in which they fire, what makes a hook slow."""
    if entry.group == OPTIONS:
        return option(entry, loaded)
    hooks = listened(entry, loaded)
    facts = {"hooks": ", ".join(hooks)}
    if slow := [name for name in hooks if hooks[name]]:
        facts["slow"] = f"{', '.join(slow)} wrap, so every firing goes through pluggy"
    if inspect.isclass(loaded) and entry.group != COMMANDS:
        facts["arguments"] = signature(loaded)
    return facts


def listened(entry: Entry, loaded: Any) -> dict[str, bool]:
    """The hooks of an entry, in the order of the reference, with whether the implementation wraps."""
    from leyden.plugins.adapt import IMPLEMENTATION
    from leyden.testing.validation import hooks_of

    found = set(hooks_of(entry, loaded))
    options = {
        name: getattr(getattr(loaded, name, None), IMPLEMENTATION, {}) for name in EVENTS if name in found
    }
    return {name: bool(one.get("wrapper") or one.get("hookwrapper")) for name, one in options.items()}


def option(entry: Entry, loaded: Any) -> dict[str, str]:
    """A keyword's type, default and description."""
    always = any(one.distribution == entry.distribution for one in catalogue().named(DEFAULTS, entry.name))
    annotation = loaded.annotation
    return {
        "keyword": f"{entry.name}: {getattr(annotation, '__name__', annotation)} = {loaded.default!r}",
        "does": loaded.doc,
        "takes part": "always" if always else "when it is given",
        "order": str(loaded.order),
    }


def signature(cls: type) -> str:
    """The arguments of a class; nothing where Python does not know them."""
    try:
        return str(inspect.signature(cls))
    except (TypeError, ValueError):
        return ""
