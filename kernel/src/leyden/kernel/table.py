"""The hook table: what the loop calls.

pluggy keeps the listeners and knows their order; the table is read off it once, when a run begins or a plugin joins,
and holds for each hook either ``None`` or one callable that takes the hook's arguments by position. A hook that nobody
listens to therefore costs one truth test, and a call costs what its listeners cost. Measured per firing in ns, with
0 / 1 / 3 / 10 listeners: pluggy 738 / 1107 / 1600 / 3129, a bound tuple 21 / 47 / 99 / 284. Hooks that somebody wraps
go through pluggy itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from leyden.kernel.events import EVENTS, Event

Fire = Callable[..., Any]
Describe = Callable[[Any], str]
Watch = Callable[[str, Any, Fire], Fire]
"""Given a hook's name, who listens (``None``: several behind pluggy) and what is called: what to call instead."""


class Listener(Protocol):
    """What pluggy keeps of one implementation."""

    plugin: Any
    plugin_name: str
    function: Callable[..., Any]
    wrapper: bool
    hookwrapper: bool


class Scope(Protocol):
    """Where the name of the hook that is being fired stands."""

    hook: str | None


class HookTable:
    """One attribute a hook, named like it: ``None`` or a callable that fires it.

    Args:
        scope: its ``hook`` attribute holds the name of the hook being fired, so that ``self.log`` knows where it is.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._watch: Watch | None = None
        for name in EVENTS:
            setattr(self, name, None)

    def __getattr__(self, name: str) -> Fire | None:
        raise AttributeError(f"Leyden has no hook named {name!r}.")

    def bind(self, callers: Mapping[str, Any], describe: Describe = str, watch: Watch | None = None) -> None:
        """Read the listeners anew.

        Args:
            callers: pluggy's hook callers by name.
            describe: turns a registered plugin into words for the note that an exception gets.
            watch: stands between the table and each listener, to measure it; without one nothing stands there.
        """
        self._watch = watch
        for name, event in EVENTS.items():
            caller = callers.get(name)
            listeners = list(reversed(caller.get_hookimpls())) if caller is not None else []
            setattr(self, name, self._fire(event, caller, listeners, describe) if listeners else None)

    def _fire(self, event: Event, caller: Any, listeners: Sequence[Listener], describe: Describe) -> Fire:
        watch = self._watch
        if any(one.wrapper or one.hookwrapper for one in listeners):
            fire = _through_pluggy(event, caller, self._scope)
            return watch(event.name, None, fire) if watch else fire
        calls = tuple(getattr(one.function, "leyden_direct", one.function) for one in listeners)
        if watch:
            calls = tuple(
                watch(event.name, one.plugin, call) for one, call in zip(listeners, calls, strict=True)
            )
        owners = tuple(one.plugin for one in listeners)
        bind = _bind_every if event.every else _bind_first if event.firstresult else _bind_all
        return bind(event.name, calls, _noter(event.name, owners, describe), self._scope)


def annotate(error: BaseException, text: str) -> None:
    """Add a note to an exception, unless Leyden noted already where it came from."""
    if not any(note.startswith("leyden: ") for note in getattr(error, "__notes__", ())):
        error.add_note(f"leyden: {text}")


def _noter(name: str, owners: Sequence[Any], describe: Describe) -> Callable[[BaseException, int], None]:
    def note(error: BaseException, index: int) -> None:
        annotate(error, f"raised in {name} of {describe(owners[index])}")

    return note


def _bind_all(
    name: str, calls: tuple[Fire, ...], note: Callable[[BaseException, int], None], scope: Scope
) -> Fire:
    def fire(*args: Any) -> list[Any]:
        outer, scope.hook = scope.hook, name
        results = []
        index = 0
        try:
            for call in calls:
                result = call(*args)
                if result is not None:
                    results.append(result)
                index += 1
            return results
        except BaseException as error:
            note(error, index)
            raise
        finally:
            scope.hook = outer

    return fire


def _bind_first(
    name: str, calls: tuple[Fire, ...], note: Callable[[BaseException, int], None], scope: Scope
) -> Fire:
    def fire(*args: Any) -> Any:
        outer, scope.hook = scope.hook, name
        index = 0
        try:
            for call in calls:
                result = call(*args)
                if result is not None:
                    return result
                index += 1
            return None
        except BaseException as error:
            note(error, index)
            raise
        finally:
            scope.hook = outer

    return fire


def _bind_every(
    name: str, calls: tuple[Fire, ...], note: Callable[[BaseException, int], None], scope: Scope
) -> Fire:
    def fire(*args: Any) -> list[Any]:
        outer, scope.hook = scope.hook, name
        results, errors = [], []
        for index, call in enumerate(calls):
            try:
                result = call(*args)
            except BaseException as error:
                note(error, index)
                errors.append(error)
            else:
                if result is not None:
                    results.append(result)
        scope.hook = outer
        if errors:
            raise first_of(errors)
        return results

    return fire


def _through_pluggy(event: Event, caller: Any, scope: Scope) -> Fire:
    def fire(*args: Any) -> Any:
        outer, scope.hook = scope.hook, event.name
        try:
            return caller(**dict(zip(event.params, args, strict=True)))
        finally:
            scope.hook = outer

    return fire


def first_of(errors: Iterable[BaseException]) -> BaseException:
    """The first of several exceptions, with a note for each of the others."""
    first, *others = errors
    for other in others:
        first.add_note(f"leyden: then also {type(other).__name__}: {other}")
    return first
