"""Which installed plugins may run: environment variables and ``[tool.leyden]``."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from leyden.plugins.errors import ConfigurationError, did_you_mean, listed

KERNEL = "leyden-kernel"
_KINDS = {"strict": (bool, "true or false"), "lock": (str, "a file's name"), "cli": (dict, "a table")}
_KEYS = ("plugins", "disable_plugins", *_KINDS)


def canonical(name: str) -> str:
    """A distribution's name in its normal form (PyPA's name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Selection:
    """An allow-list, a deny-list, and whether a broken plugin stops the run.

    Items are plugin or distribution names, each optionally pinned as ``name==version``.

    Attributes:
        allow: what may run; ``None`` allows everything, an empty tuple nothing but the kernel's own parts.
        deny: what may not run, whatever ``allow`` says.
        strict: whether a plugin that nobody named may break without breaking the run.
        source: where ``allow`` was read from, for messages.
        lock: a lock file, and when it was changed; nothing else may run, the kernel's own parts included.
    """

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    strict: bool = False
    source: str = ""
    lock: tuple[Path, int] | None = None

    @classmethod
    def current(cls) -> Selection:
        """Read the settings of this process: ``LEYDEN_PLUGINS``, ``LEYDEN_DISABLE_PLUGINS``,
        ``LEYDEN_PLUGINS_STRICT``, ``LEYDEN_PLUGINS_LOCK``, then ``[tool.leyden]`` of the nearest pyproject.toml."""
        table, path = _project_table()
        allow, source = table.get("plugins"), f"[tool.leyden] plugins in {path}"
        if "LEYDEN_PLUGINS" in os.environ:
            allow, source = _split(os.environ["LEYDEN_PLUGINS"]), "LEYDEN_PLUGINS"
        deny = (*_split(os.environ.get("LEYDEN_DISABLE_PLUGINS", "")), *table.get("disable_plugins", ()))
        strict = _flag("LEYDEN_PLUGINS_STRICT", table.get("strict", False))
        locked = os.environ.get("LEYDEN_PLUGINS_LOCK") or (
            path and table.get("lock") and path.parent / table["lock"]
        )
        return cls(None if allow is None else tuple(allow), deny, strict, source, _lock(locked))

    def refusal(self, name: str, distribution: str, version: str, module: str = "") -> str | None:
        """Why a plugin may not run, or ``None`` when it may."""
        if self.lock is not None:
            from leyden.plugins import lock

            pins, package = lock.read(*self.lock), module.partition(".")[0]
            refused = lock.refusal(pins, str(self.lock[0]), canonical(distribution), version, package)
            if refused is not None:
                return refused
        if canonical(distribution) == KERNEL:
            return None
        if any(_matches(item, name, distribution, version) for item in self.deny):
            return "it is disabled by LEYDEN_DISABLE_PLUGINS or [tool.leyden] disable_plugins"
        if self.allow is None or any(_matches(item, name, distribution, version) for item in self.allow):
            return None
        return f"it is not in the allow-list of {self.source}"


def _lock(path: Any) -> tuple[Path, int] | None:
    if not path:
        return None
    try:
        return Path(path).absolute(), Path(path).stat().st_mtime_ns
    except OSError as error:
        raise ConfigurationError(
            f"The lock {str(path)!r} of LEYDEN_PLUGINS_LOCK or [tool.leyden] cannot be read: {error}."
        ) from error


def _split(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _flag(variable: str, default: bool) -> bool:
    text = os.environ.get(variable, "")
    words = {"": default, "1": True, "true": True, "0": False, "false": False}
    if text.lower() not in words:
        raise ConfigurationError.about(variable, text, "1 or 0")
    return words[text.lower()]


def _matches(item: str, name: str, distribution: str, version: str) -> bool:
    wanted, _, pin = (part.strip() for part in item.partition("=="))
    return (wanted == name or canonical(wanted) == canonical(distribution)) and pin in ("", version)


def project_defaults() -> tuple[dict[str, Any], Path | None]:
    """``[tool.leyden.cli]`` of the nearest pyproject.toml, in the shape of a configuration file, and that file."""
    table, path = _project_table()
    return table.get("cli", {}), path


def _project_table() -> tuple[dict[str, Any], Path | None]:
    for folder in (Path.cwd(), *Path.cwd().parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            tools = _parsed(path, path.stat().st_mtime_ns).get("tool", {})
            return _checked(tools.get("leyden", {}), path), path
    return {}, None


@lru_cache(maxsize=8)
def _parsed(path: Path, changed: int) -> dict[str, Any]:
    """A file's contents, read again only when it was ``changed``."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read for [tool.leyden]: {error}.") from error


def _checked(table: dict[str, Any], path: Path) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigurationError.about(f"[tool.leyden] in {path}", table, "a table")
    for key in table.keys() - set(_KEYS):
        hint = did_you_mean(key, _KEYS)
        text = f"[tool.leyden] in {path} has no key {key!r}; it has {listed(_KEYS)}. {hint}"
        raise ConfigurationError(text.rstrip())
    for key in ("plugins", "disable_plugins"):
        value = table.get(key, [])
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise ConfigurationError.about(f"[tool.leyden] {key} in {path}", value, "a list of names")
    for key, (kind, allowed) in _KINDS.items():
        if not isinstance(table.get(key, kind()), kind):
            raise ConfigurationError.about(f"[tool.leyden] {key} in {path}", table[key], allowed)
    return table
