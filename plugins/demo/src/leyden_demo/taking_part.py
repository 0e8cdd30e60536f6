"""Which plugins take part in a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from leyden.plugins import COMPONENTS, Entry, catalogue

if TYPE_CHECKING:
    from leyden import Trainer

KINDS = {
    **{f"leyden.{family}": word for family, word in COMPONENTS.items()},
    "leyden.options": "option",
    "leyden.plugins": "hook plugin",
    "leyden.commands": "command",
}
"""The word for one plugin of each group, in the order in which they are listed."""


class Part(NamedTuple):
    """One plugin that takes part.

    Attributes:
        name: its name, as users write it.
        kind: the word for its family.
        distribution: the distribution that brings it.
        version: the distribution's version.
    """

    name: str
    kind: str
    distribution: str
    version: str


def taking_part(trainer: Trainer) -> list[Part]:
    """The plugins of a Trainer's last run: components, callbacks, loggers, hook plugins, options and this command."""
    own = {trainer.precision, trainer.accelerator.name}
    found = {
        (entry.group, entry.distribution, entry.value): entry
        for target in _targets(trainer)
        for entry in sorted(_entries(target), key=lambda entry: entry.name in own)
    }
    entries = [*found.values(), *_options(trainer, {entry.distribution for entry in found.values()})]
    kinds = list(KINDS)
    entries.sort(key=lambda entry: (kinds.index(entry.group), entry.name))
    return [Part(one.name, KINDS[one.group], one.distribution, one.version) for one in entries]


def _targets(trainer: Trainer) -> Iterator[Any]:
    session = trainer.running
    yield from (trainer.accelerator, trainer.strategy, trainer.precision_plugin)
    yield from (trainer.checkpoint_io(), session.step)
    yield from (participant.target for participant in session.manager.participants)


def _entries(target: Any) -> list[Entry]:
    """The entry points that name an object's class, or the object itself."""
    name = getattr(target, "__name__", type(target).__name__)
    package = getattr(target, "__module__", name).partition(".")[0]
    return [
        entry
        for entry in catalogue().everything()
        if entry.group in KINDS
        and entry.module.partition(".")[0] == package
        and (entry.attribute or entry.module) == name
    ]


def _options(trainer: Trainer, known: set[str]) -> list[Entry]:
    """The options and commands of distributions that take part with nothing else."""
    used = {name for name, _ in trainer.distributions_in_use(trainer.running)} - known
    groups = ("leyden.options", "leyden.commands")
    return [entry for group in groups for entry in catalogue().group(group) if entry.distribution in used]
