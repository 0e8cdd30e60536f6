"""The catalogue: what is installed, from metadata alone. Nothing is imported until :meth:`Entry.load`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from types import ModuleType
from typing import Any, TypeVar

import importlib_metadata

from leyden.plugins.errors import PluginBlockedError, PluginBrokenError, told
from leyden.plugins.selection import KERNEL, Selection, canonical

T = TypeVar("T")

PREFIX = "leyden."
PLUGINS = "leyden.plugins"
OPTIONS = "leyden.options"
DEFAULTS = "leyden.defaults"
COMMANDS = "leyden.commands"
NAMES = "leyden.names"
DIALECTS = "leyden.dialects"
COMPONENTS = {
    "accelerators": "accelerator",
    "strategies": "strategy",
    "precisions": "precision",
    "loggers": "logger",
    "callbacks": "callback",
    "checkpoint_ios": "checkpoint io",
    "environments": "cluster environment",
    "profilers": "profiler",
    "steps": "step",
    "tuners": "tuner",
    "exporters": "exporter",
    "metrics": "metric",
    "migrations": "migration",
}
"""The families of named components: group (without ``leyden.``) and the word for one of them."""

GROUPS = (PLUGINS, OPTIONS, DEFAULTS, COMMANDS, NAMES, DIALECTS, *(PREFIX + family for family in COMPONENTS))


@dataclass
class Entry:
    """One entry point of one distribution.

    Attributes:
        group: the entry-point group, e.g. ``leyden.callbacks``.
        name: its name there.
        value: ``module:attribute``.
        distribution: the distribution's name.
        version: its version.
        refusal: why it may not run (blocked, incompatible), else ``None``.
        failure: what went wrong when it was loaded or registered, with the stage it happened in.
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str
    refusal: str | None = None
    failure: tuple[str, BaseException] | None = None
    _load: Callable[[], Any] = field(default=lambda: None, repr=False)
    _outside: Callable[[], str | None] = field(default=lambda: None, repr=False)
    _loaded: list[Any] = field(default_factory=list, repr=False)

    @property
    def module(self) -> str:
        """The module that would be imported."""
        return self.value.partition(":")[0].strip()

    @property
    def attribute(self) -> str:
        """The attribute that it names in that module."""
        return self.value.partition(":")[2].partition("[")[0].strip()

    @property
    def origin(self) -> str:
        """``distribution version``, for messages."""
        return f"{self.distribution} {self.version}"

    @property
    def state(self) -> str:
        """``found``, ``blocked``, ``incompatible``, ``broken`` or ``loaded``."""
        if self.failure:
            return "broken"
        if self.obstacle:
            return "blocked" if self.refusal else "incompatible"
        return "loaded" if self._loaded else "found"

    @property
    def incompatibility(self) -> str | None:
        """The distribution's own range on leyden-kernel, when the installed kernel is outside it."""
        return self._outside()

    @property
    def obstacle(self) -> str | None:
        """Why it may not run, blocked or incompatible; ``None`` when it may."""
        return self.refusal or self.incompatibility

    def load(self) -> Any:
        """Import the object.

        Raises:
            PluginBlockedError: it may not run.
            PluginBrokenError: importing it failed; the cause is chained and kept in ``failure``.
        """
        if self.obstacle:
            raise PluginBlockedError(f"Plugin {self.name!r} of {self.origin} may not run: {self.obstacle}.")
        if self.failure:
            raise self._broken() from self.failure[1]
        if not self._loaded:
            self._loaded.append(self.attempt("import", self._load))
        return self._loaded[0]

    def attempt(self, stage: str, do: Callable[[], T]) -> T:
        """Do something with it, and keep what goes wrong.

        Args:
            stage: what is done, e.g. ``"import"``.
            do: does it.

        Raises:
            PluginBrokenError: it failed; the cause is chained and kept in ``failure``.
        """
        try:
            return do()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.failure = (stage, error)
            raise self._broken() from error

    def _broken(self) -> PluginBrokenError:
        stage, error = self.failure or ("", None)
        return PluginBrokenError(
            f"Plugin {self.name!r} of {self.origin} ({self.value}) is broken: its {stage} failed with "
            f"{told(error)} Update or reinstall {self.distribution}, or disable it with "
            f"LEYDEN_DISABLE_PLUGINS={self.distribution}."
        )


_COMPATIBLE = re.compile(rf"{KERNEL} ?\(?~= ?((?:\d+\.)+)\d+\)?")


def _inside(requirement: str, version: str) -> bool:
    """Whether a range of the form that plugins have, ``leyden-kernel~=0.1.0``, holds a released version.

    Read here, because importing ``packaging.requirements`` costs a hundredth of what importing torch does.
    """
    found = _COMPATIBLE.fullmatch(requirement)
    if found is None or not version.replace(".", "").isdigit() or not version.startswith(found[1]):
        return False
    least = requirement.rstrip(")").rpartition("=")[2]
    return [int(one) for one in version.split(".")] >= [int(one) for one in least.split(".")]


def _outside(requirement: str, version: str) -> str | None:
    if _inside(requirement, version):
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requirement)
    except InvalidRequirement as error:
        return f"its requirement {requirement!r} cannot be read ({error})"
    if canonical(wanted.name) != KERNEL or (
        wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})
    ):
        return None
    if wanted.specifier.contains(version, prereleases=True):
        return None
    return f"it needs {KERNEL}{wanted.specifier}, and {version} is installed"


PROGRAM = "this-program"
REGISTERED: dict[tuple[str, str], tuple[str, Any]] = {}
"""What this program registered itself: by group and name, ``module:attribute`` and the object."""


class Catalogue:
    """Everything installed that concerns Leyden, by group. Scanned when a group is first asked for.

    Args:
        selection: what may run.
        find: ``find(group)`` returns importlib-metadata entry points; for tests.
    """

    def __init__(self, selection: Selection, find: Callable[[str], Any] | None = None) -> None:
        self.selection = selection
        self._find = find or self._installed
        self._points: Any = None
        self._groups: dict[str, list[Entry]] = {}
        self._distributions: dict[Any, _Distribution] = {}

    def group(self, group: str) -> list[Entry]:
        """All entries of a group, sorted by name then distribution; scanned once."""
        if group not in self._groups:
            found = [self._entry(group, point) for point in self._find(group)]
            found += [self._own(*key, *held) for key, held in REGISTERED.items() if key[0] == group]
            self._groups[group] = sorted(found, key=lambda entry: (entry.name, entry.distribution))
        return self._groups[group]

    def _installed(self, group: str) -> Any:
        # One scan serves all groups: reading every distribution's entry points is what costs.
        if self._points is None:
            self._points = importlib_metadata.entry_points()
        return self._points.select(group=group)

    def named(self, group: str, name: str) -> list[Entry]:
        """The entries that answer to ``name`` or ``distribution:name``."""
        distribution, _, short = name.rpartition(":")
        return [
            entry
            for entry in self.group(group)
            if entry.name == short
            and (not distribution or canonical(entry.distribution) == canonical(distribution))
        ]

    def by_attribute(self, group: str, attribute: str) -> list[Entry]:
        """The entries whose entry point names an attribute, e.g. the class ``ModelCheckpoint``."""
        found = {entry.value: entry for entry in self.group(group) if entry.attribute == attribute}
        return list(found.values())

    def everything(self) -> list[Entry]:
        """All entries of all groups."""
        return [entry for group in GROUPS for entry in self.group(group)]

    def owner_of(self, module: str) -> Entry | None:
        """An entry of the distribution whose package a module belongs to, as far as groups were scanned."""
        package = module.partition(".")[0]
        entries = (entry for group in self._groups.values() for entry in group)
        installed = (entry for entry in entries if entry.distribution != PROGRAM)
        return next((entry for entry in installed if entry.module.partition(".")[0] == package), None)

    def owner_of_object(self, value: Any) -> Entry | None:
        """The same for an object: a module, or an instance of a class."""
        if isinstance(value, ModuleType):
            return self.owner_of(value.__name__)
        kind = type(value)
        # a class that shows another __module__ says here where it stands
        return self.owner_of(vars(kind).get("__leyden_home__", kind.__module__))

    def _own(self, group: str, name: str, value: str, target: Any) -> Entry:
        refusal = self.selection.refusal(name, PROGRAM, "", value.partition(":")[0])
        return Entry(group, name, value, PROGRAM, "", refusal, _load=lambda: target)

    def _entry(self, group: str, point: Any) -> Entry:
        owner = self._distributions.get(point.dist) or _Distribution(point.dist)
        self._distributions[point.dist] = owner
        module = point.value.partition(":")[0].strip()
        return Entry(
            group,
            point.name,
            point.value,
            owner.name,
            owner.version,
            refusal=self.selection.refusal(point.name, owner.name, owner.version, module),
            _load=point.load,
            _outside=lambda: owner.incompatibility,
        )


class _Distribution:
    """What the metadata of a distribution says, read once for all its entry points.

    Name and version are ``unknown`` where it is missing or damaged. ``dist.metadata`` would parse the README, too:
    half a millisecond for each.
    """

    def __init__(self, dist: Any) -> None:
        self.name = self.version = "unknown"
        self._head = ""
        try:
            self._head = (dist.read_text("METADATA") or dist.read_text("PKG-INFO")).partition("\n\n")[0]
            said = dict(re.findall("^(Name|Version): *(.+)", self._head, re.M))
            self.name, self.version = said["Name"], said["Version"]
        except Exception:  # a damaged distribution must not hide the others
            return

    @cached_property
    def incompatibility(self) -> str | None:
        from leyden._version import __version__

        lines = re.findall(r"^Requires-Dist: *(leyden[-_.]kernel\b.*)", self._head, re.M | re.I)
        return next((why for line in lines if (why := _outside(line, __version__))), None)


@lru_cache(maxsize=8)
def _cached(selection: Selection) -> Catalogue:
    return Catalogue(selection)


def catalogue() -> Catalogue:
    """The catalogue of this process; scanned anew when the settings of what may run have changed."""
    return _cached(Selection.current())


def refresh() -> None:
    """Forget what was scanned, e.g. after installing a plugin in a running interpreter."""
    from leyden.plugins.lock import fingerprint

    _cached.cache_clear()
    fingerprint.cache_clear()


@lru_cache(maxsize=1)
def official() -> dict[str, dict[str, list[str]]]:
    """The plugins that this project publishes: ``{group: {name: [distribution, attribute]}}``."""
    text = files("leyden.plugins").joinpath("official.json").read_text(encoding="utf-8")
    data: dict[str, dict[str, list[str]]] = json.loads(text)
    return data
