"""A lock: which distributions may run, in which version, made of which files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leyden.plugins.errors import ConfigurationError

FORMAT = 1
Pins = Mapping[str, Mapping[str, Any]]
"""By distribution: its ``version``, and under ``packages`` the SHA-256 of each import package of its entry points."""


@lru_cache(maxsize=4)
def read(path: Path, changed: int) -> Pins:
    """The pins of a lock file.

    Args:
        path: the file.
        changed: when it was, in ns; it is read again only when it was since.

    Raises:
        leyden.errors.ConfigurationError: it is no lock file.
    """
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        if contents["format"] != FORMAT:
            raise ValueError(f"format {contents['format']}; this version reads {FORMAT}")
        pins = contents["plugins"]
        return {
            name: {"version": one["version"], "packages": dict(one["packages"])} for name, one in pins.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is no lock of Leyden ({type(error).__name__}: {error}). Write one with `leyden plugins lock`."
        ) from error


def refusal(pins: Pins, source: str, distribution: str, version: str, package: str) -> str | None:
    """Why a package may not be imported, or ``None`` when it is what was locked."""
    pinned = pins.get(distribution)
    if pinned is None:
        return f"it is not in {source}"
    if pinned["version"] != version:
        return f"{source} has version {pinned['version']} of it, and {version} is installed"
    if pinned["packages"].get(package) != fingerprint(package):
        return f"its files are not those of {source}"
    return None


@lru_cache(maxsize=256)
def fingerprint(package: str) -> str | None:
    """The SHA-256 of a top-level package's files, found without importing it; ``None`` when there is none."""
    spec = find_spec(package)
    if spec is None:
        return None
    roots = [Path(one) for one in spec.submodule_search_locations or ()]
    found = [(root, path) for root in roots for path in root.rglob("*") if path.is_file()]
    if not roots and spec.origin:
        found = [(Path(spec.origin).parent, Path(spec.origin))]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for root, path in found):
        if "__pycache__" not in path.parts:
            held = path.read_bytes()
            digest.update(f"{name}\0{len(held)}\0".encode() + held)
    return digest.hexdigest()
