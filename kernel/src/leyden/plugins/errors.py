"""The family of Leyden's own exceptions.

Every deliberate error is a :class:`LeydenError`. Those about bad input are also the built-in exception that Python
programmers expect (``ValueError``, ``TypeError``), so that either can be caught.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any


class LeydenError(Exception):
    """Base of everything that Leyden raises on purpose."""


class ConfigurationError(LeydenError, ValueError):
    """Something was asked for that cannot be: a bad argument, a contradiction, a missing step."""

    @classmethod
    def about(cls, argument: str, value: Any, allowed: str, remedy: str = "") -> ConfigurationError:
        """Build the error for a bad argument.

        Args:
            argument: its name, as the user writes it.
            value: what was given.
            allowed: what may be given.
            remedy: what to do, as a sentence.
        """
        text = f"{argument}={shown(value)} is not possible: allowed is {allowed}."
        return cls(f"{text} {remedy}".rstrip())


class ArgumentTypeError(ConfigurationError, TypeError):
    """An argument of the wrong type, or a keyword that nobody owns."""


class DetachedError(LeydenError, RuntimeError):
    """Something was asked of an object that belongs to no running Trainer."""


class PluginError(LeydenError):
    """Base of the errors about plugins."""


class PluginNotFoundError(PluginError, ValueError):
    """No installed distribution offers the name."""


class PluginConflictError(PluginError, ValueError):
    """Several distributions offer the same name."""


class PluginBlockedError(PluginError, ValueError):
    """The name is installed but not allowed to run."""


class PluginBrokenError(PluginError, RuntimeError):
    """The plugin was found and allowed, and failed to load or to register."""


class HookSignatureError(PluginError, TypeError):
    """A hook implementation asks for what its hook does not hand over."""


def shown(value: Any, limit: int = 120) -> str:
    """A value as it stands in an error message: its repr, shortened."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def told(error: BaseException | None) -> str:
    """An exception's type and text, as a sentence."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return text if text.endswith((".", "!", "?")) else f"{text}."


def listed(names: Iterable[str]) -> str:
    """Names as they stand in an error message; "none" when there are none."""
    return ", ".join(sorted(repr(name) for name in names)) or "none"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The closest of several names to a misspelled one, ``None`` when none is close."""
    scored = [(_likeness(name.lower(), candidate.lower()), candidate) for candidate in names]
    score, found = max(scored, default=(0.0, ""))
    return found if score >= 0.6 else None


def _likeness(name: str, candidate: str) -> float:
    """From 0 to 1; the same words in another order count as alike, and so does a beginning."""
    if len(name) > 3 and candidate.startswith(name):
        return 0.95
    straight = SequenceMatcher(None, name, candidate).ratio()
    words = ["_".join(sorted(one.split("_"))) for one in (name, candidate)]
    return max(straight, SequenceMatcher(None, words[0], words[1]).ratio() - 0.05)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A sentence with the nearest spelling, or nothing."""
    found = nearest(name, names)
    return f"Did you mean {found!r}?" if found else ""
