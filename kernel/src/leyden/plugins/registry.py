"""The registry as a library: what may run, plugins that a program registers itself, and what takes part in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leyden.plugins.catalogue import GROUPS, PREFIX, PROGRAM, REGISTERED, refresh
from leyden.plugins.errors import ConfigurationError, PluginConflictError, PluginNotFoundError, did_you_mean


@dataclass(frozen=True)
class Active:
    """One listener of a run.

    Attributes:
        name: its name in the run.
        kind: ``callback``, ``plugin``, ``logger``, ``module`` …
        origin: distribution and version, where one is known.
        why: what brought it into the run.
        hooks: the hooks it is called for.
    """

    name: str
    kind: str
    origin: str
    why: str
    hooks: tuple[str, ...]


def register(family: str, name: str, target: Any) -> None:
    """Offer something under a name in this process, as an installed entry point would.

    Args:
        family: the entry-point group without ``leyden.``: ``plugins``, ``callbacks``, ``loggers``, ``strategies`` …
        name: its name there; ``leyden.<family>`` has it under the name of the class.
        target: what an entry point would name: a class, or for ``plugins`` a class or module with hooks.

    Raises:
        leyden.errors.ConfigurationError: there is no such family.
        leyden.errors.PluginConflictError: the name is registered already.
    """
    key = (_group(family), name)
    if key in REGISTERED:
        raise PluginConflictError(
            f"{name!r} is registered in {family} already. leyden.plugins.unregister({family!r}, {name!r}) takes it out."
        )
    attribute = getattr(target, "__qualname__", name).rpartition(".")[2]
    value = f"{getattr(target, '__module__', None) or target.__name__}:{attribute}"
    REGISTERED[key] = (value, target)
    refresh()


def unregister(family: str, name: str) -> None:
    """Take back what :func:`register` offered.

    Raises:
        leyden.errors.PluginNotFoundError: nothing of that name was registered.
    """
    key = (_group(family), name)
    if key not in REGISTERED:
        hint = did_you_mean(name, {one for group, one in REGISTERED if group == key[0]})
        raise PluginNotFoundError(f"{name!r} was not registered in {family}. {hint}".rstrip())
    del REGISTERED[key]
    refresh()


def active(trainer: Any) -> list[Active]:
    """Everybody who listens in the running (or last) run of a Trainer, in calling order, and why.

    Raises:
        leyden.errors.DetachedError: nothing has run yet.
    """
    return [
        Active(one.name, one.kind, one.origin, _why(one, trainer), tuple(one.hooks))
        for one in trainer.running.manager.participants
    ]


def _why(participant: Any, trainer: Any) -> str:
    if participant.origin.startswith(PROGRAM):
        return "leyden.plugins.register"
    if participant.kind == "plugin":
        return "installed, and in no list that keeps it out" if participant.origin else "Trainer(plugins=…)"
    keyword = trainer.brought_by.get(id(participant.target))
    if keyword:
        return f"the Trainer's keyword {keyword!r}"
    words = {"logger": "the Trainer's loggers", "strategy": "the Trainer's strategy", "module": "it is run"}
    return words.get(
        participant.kind, "configure_callbacks" if "callback" in participant.kind else "it holds the data"
    )


def _group(family: str) -> str:
    group = PREFIX + family.removeprefix(PREFIX)
    if group not in GROUPS:
        families = [one.removeprefix(PREFIX) for one in GROUPS]
        hint = did_you_mean(family, families)
        raise ConfigurationError.about("family", family, ", ".join(families), hint)
    return group
