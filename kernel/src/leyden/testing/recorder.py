"""A listener that writes down every hook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leyden.kernel.events import EVENTS, Event
from leyden.plugins.adapt import Participant, from_object
from leyden.plugins.manager import Manager


@dataclass(frozen=True)
class Call:
    """One firing of one hook.

    Attributes:
        hook: the hook's name.
        arguments: what it handed over, by the parameters' names.
    """

    hook: str
    arguments: dict[str, Any]


class HookRecorder:
    """Listens to all hooks; they are found in :attr:`calls`, in the order of firing.

    Add it to a Trainer with ``trainer.add_listener(recorder)``, or to a manager with :meth:`attach`.

    Attributes:
        calls: what was fired so far.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @property
    def names(self) -> list[str]:
        """The names of the hooks fired, in order."""
        return [call.hook for call in self.calls]

    def of(self, hook: str) -> list[Call]:
        """The firings of one hook."""
        return [call for call in self.calls if call.hook == hook]

    def clear(self) -> None:
        """Forget what was fired."""
        self.calls.clear()

    def attach(self, manager: Manager) -> Participant:
        """Register with a manager; returns the participant, for ``manager.unregister``."""
        participant = from_object("hook_recorder", "plugin", self, None)
        manager.register([participant])
        return participant


def _recording(event: Event) -> Callable[..., None]:
    def record(self: HookRecorder, *args: Any) -> None:
        self.calls.append(Call(event.name, dict(zip(event.params, args, strict=True))))

    record.__name__ = event.name
    record.__doc__ = f"Write down {event.name}."
    return record


for _event in EVENTS.values():
    setattr(HookRecorder, _event.name, _recording(_event))
