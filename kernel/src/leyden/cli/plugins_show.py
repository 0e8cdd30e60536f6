"""``leyden plugins show NAME``."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leyden.cli import table
from leyden.cli.calling_order import in_calling_order
from leyden.cli.families import family_of, selected
from leyden.kernel.events import EVENTS
from leyden.plugins.catalogue import COMMANDS, DEFAULTS, DIALECTS, OPTIONS, Entry, catalogue
from leyden.plugins.errors import PluginError

Facts = dict[str, str | list[str]]


def run(arguments: Namespace) -> int:
    """Print everything about the plugins that a name stands for; with colours where a person looks."""
    found = [facts_of(entry) for entry in selected(arguments.name)]
    colours = table.coloured(sys.stdout)
    print("\n\n".join("\n".join(lines(title, facts, colours)) for title, facts in found))
    return 0


def facts_of(entry: Entry) -> tuple[str, Facts]:
    """A title, and what there is to say about an entry, by name; several lines where it is a list."""
    facts: Facts = dict(metadata(entry))
    try:
        loaded = entry.load()
    except PluginError as error:
        facts["state"], facts["problem"] = entry.state, " ".join(str(error).split())
    else:
        facts["state"] = entry.state
        facts |= {"what": first_line(loaded), **details(entry, loaded)}
    return f"{entry.name} ({family_of(entry.group)})", facts


def lines(title: str, facts: Facts, colours: bool) -> Iterator[str]:
    """A heading and aligned facts; those that are empty are left out."""
    yield f"{table.BOLD}{title}{table.RESET}" if colours else title
    width = max(map(len, facts)) + 1
    for name, value in facts.items():
        several = [value] if isinstance(value, str) else value
        for number, text in enumerate(one for one in several if one):
            label = "" if number else f"{name}:"
            paint = table.COLOURS.get(text, "") if colours else ""
            yield f"  {label:<{width}} {paint}{text}{table.RESET if paint else ''}"


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


def details(entry: Entry, loaded: Any) -> Facts:
    """What only the loaded object knows: arguments, hooks in the order in which they fire, what makes a hook slow."""
    if entry.group == OPTIONS:
        return dict(option(entry, loaded))
    hooks = listened(entry, loaded)
    facts: Facts = {"hooks": ", ".join(hooks), "slow": slow(hooks)}
    if inspect.isclass(loaded) and entry.group not in (COMMANDS, DIALECTS):
        facts["arguments"] = arguments_of(loaded)
    return facts


def slow(hooks: dict[str, bool]) -> list[str]:
    """What a run pays for: wrappers, and what is called for every batch."""
    found = [
        f"{name} wraps: every firing goes through pluggy, for all its listeners"
        for name in hooks
        if hooks[name]
    ]
    steps = [name for name in hooks if EVENTS[name].family == "step"]
    if steps:
        found.append(f"{', '.join(steps)}: called for every batch; must not wait for the device or a disk")
    return found


def listened(entry: Entry, loaded: Any) -> dict[str, bool]:
    """The hooks of an entry, in the order in which they fire, with whether the implementation wraps."""
    from leyden.plugins.adapt import IMPLEMENTATION
    from leyden.testing.validation import hooks_of

    found = set(hooks_of(entry, loaded))
    options = {
        name: getattr(getattr(loaded, name, None), IMPLEMENTATION, {}) for name in in_calling_order(found)
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


def arguments_of(cls: type) -> list[str]:
    """The arguments of a class with types and defaults, one a line; none where Python does not know them."""
    try:
        return [described(one) for one in inspect.signature(cls).parameters.values()]
    except (TypeError, ValueError):
        return []


def described(parameter: inspect.Parameter) -> str:
    """``name: type = default``, without quotation marks around types that are kept as text."""
    if isinstance(parameter.annotation, str):
        bare = parameter.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        return f"{bare}: {parameter.annotation}{default}"
    return str(parameter)
