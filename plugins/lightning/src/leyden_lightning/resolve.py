"""From a name on a page to the object behind it.

A page's entry is one of

- ``"module"`` or ``"module:attribute"``: that object; without attribute, the one of the same name. Where the module is
  one of Lightning's, the page only passes it on.
- ``"@family"`` or ``"@family:Class"``: the installed component of that class.
- ``"@family:Class>Name"``: a name beside that class, in the package that brings it.
- ``"!reason"``: there is none, and why.

The key ``"*"`` names a module all of whose public names the page has, ``"*?"`` one that may not be installed; ``"@"`` a
family whose classes it has.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from leyden.plugins import components
from leyden.plugins.errors import PluginError, PluginNotFoundError
from leyden_lightning.absent import placeholder
from leyden_lightning.homes import move
from leyden_lightning.names import PAGES

KEYS = ("*", "*?", "@")


class AbsentNameError(LookupError):
    """A name of Lightning's that there is not; the text says what to do."""


def offered(page: str) -> list[str]:
    """The names that a page has."""
    entries = PAGES[page]
    names = {one for one, target in entries.items() if one not in KEYS and not _absent(target, one)}
    module = _source(entries)
    if module is not None:
        names.update(
            getattr(module, "__all__", ()) or (one for one in vars(module) if not one.startswith("_"))
        )
    if "@" in entries:
        names.update(components.attributes(entries["@"]))
    prefix = f"{page}."
    names.update(
        one.removeprefix(prefix) for one in PAGES if one.startswith(prefix) and "." not in one[len(prefix) :]
    )
    return sorted(names)


def _absent(target: str, name: str) -> bool:
    module, _, attribute = target.partition(":")
    passed_on = PAGES.get(module, {}).get(attribute or name, "")
    return target.startswith("!") or passed_on.startswith("!")


def resolve(page: ModuleType, name: str) -> Any:
    """The object behind a name.

    Raises:
        AbsentNameError: there is none.
    """
    entries = PAGES[page.__name__]
    source = _source(entries)
    if name in entries and name not in KEYS:
        value = _target(entries[name], name)
    elif source is not None and hasattr(source, name):
        value = getattr(source, name)
    elif "*?" in entries and source is None:
        distribution = entries["*?"].replace("_", "-")
        raise AbsentNameError(f"{name!r} is not installed. {components.install(distribution)}")
    elif "@" in entries and name != name.lower():
        value = _component(entries["@"], name)
    else:
        raise AbsentNameError(f"module {page.__name__!r} has no attribute {name!r}")
    passed_on = entries.get(name, "").startswith("lightning.")
    if isinstance(value, type) and not passed_on and move(value, page):
        _move_beside(page, entries)
    return value


def _move_beside(page: ModuleType, entries: dict[str, str]) -> None:
    """What stands on the same page moves as well: instances of the class hold instances of it."""
    for other, target in entries.items():
        if target.startswith("@") and other not in KEYS:
            getattr(page, other, None)


def _source(entries: dict[str, str]) -> ModuleType | None:
    if "*" in entries:
        return import_module(entries["*"])
    if "*?" in entries and find_spec(entries["*?"]) is not None:
        return import_module(entries["*?"])
    return None


def _target(target: str, name: str) -> Any:
    if target.startswith("!"):
        raise AbsentNameError(target[1:])
    if target.startswith("@"):
        family, _, wanted = target[1:].partition(":")
        owner, _, beside = wanted.partition(">")
        found = _component(family, owner or name)
        return _beside(found, beside) if beside else found
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute or name)
    except AttributeError as error:  # another page, on which the name is absent
        raise AbsentNameError(str(error)) from None
    except ModuleNotFoundError as error:
        distribution = module.partition(".")[0].replace("_", "-")
        if error.name != module.partition(".")[0]:
            raise
        raise AbsentNameError(f"{name!r} is not installed. {components.install(distribution)}") from None


def _component(family: str, name: str) -> Any:
    try:
        return components.by_attribute(family, name)
    except PluginNotFoundError as error:
        made = placeholder(family, name, str(error))
        if made is None:
            raise AbsentNameError(str(error)) from None
        return made
    except PluginError as error:
        raise AbsentNameError(str(error)) from None


def _beside(kind: type, name: str) -> Any:
    home = vars(kind).get("__leyden_home__", kind.__module__)
    places = [home, home.partition(".")[0]]
    package = sys.modules[places[1]]
    places += sorted(one for one in sys.modules if one.startswith(f"{package.__name__}."))
    for place in places:
        if hasattr(module := sys.modules[place], name):
            return getattr(module, name)
    raise AbsentNameError(f"{package.__name__} has no {name!r}")
