"""Adapters: how plugins, callbacks, modules and loggers become listeners that pluggy can keep.

pluggy reads a listener's parameters off its code object, matches them by name, and compares plugins with ``==``. User
code renames parameters and overrides ``__eq__``; so what is registered is a :class:`Participant` that holds, for each
hook really implemented, a function with exactly the hook's parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from leyden.kernel.events import EVENTS, PROJECT, Event
from leyden.kernel.table import annotate
from leyden.plugins.errors import HookSignatureError, did_you_mean, listed

IMPLEMENTATION = f"{PROJECT}_impl"
_EMPTY_HOOKS = "leyden.api.callback"
"""The module whose hooks do nothing: inherited ones of a Callback that serves as a hook plugin do not count."""
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Participant:
    """One listener of a run.

    Args:
        name: unique in the run.
        kind: ``plugin``, ``callback``, ``module``, ``datamodule``, ``logger``, ``strategy`` …
        target: the object whose methods are called.
        origin: its distribution and version, when known.
    """

    def __init__(self, name: str, kind: str, target: Any, origin: str = "") -> None:
        self.name, self.kind, self.target, self.origin = name, kind, target, origin
        self.hooks: dict[str, Callable[..., Any]] = {}

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}" + (f" ({self.origin})" if self.origin else "")

    def listen(self, event: Event, call: Callable[..., Any], passed: tuple[str, ...]) -> None:
        """Listen to a hook with a callable that takes the named ones of its parameters, in that order."""
        direct = call if passed == event.params else _renamed(event.params, passed)(call)
        where = f"raised in {event.name} of {self}"

        def noted(*args: Any) -> Any:
            try:
                return direct(*args)
            except BaseException as error:
                annotate(error, where)
                raise

        # The table calls leyden_direct and notes by itself; pluggy, where somebody wraps the hook, calls this.
        function = _renamed(event.params, event.params)(noted)
        function.leyden_direct = direct  # type: ignore[attr-defined]
        self._put(event, function, _options(call))

    def wrap(self, event: Event, call: Callable[..., Any]) -> None:
        """Wrap a hook with a generator function, as pluggy defines it."""
        self.hooks[event.name] = call

    def _put(self, event: Event, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        setattr(function, IMPLEMENTATION, {**_DEFAULTS, **options})
        self.hooks[event.name] = function


_DEFAULTS: dict[str, Any] = {
    "wrapper": False,
    "hookwrapper": False,
    "optionalhook": False,
    "tryfirst": False,
    "trylast": False,
    "specname": None,
}


@cache
def _renamed(
    params: tuple[str, ...], passed: tuple[str, ...]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    # Code, because pluggy takes parameter names from __code__; the names are those of our own specifications.
    factory: Callable[[Callable[..., Any]], Callable[..., Any]] = eval(
        f"lambda call: lambda {', '.join(params)}: call({', '.join(passed)})"
    )
    return factory


def from_object(
    name: str,
    kind: str,
    target: Any,
    base: type | None,
    *,
    skip: int = 0,
    only: frozenset[str] | None = None,
    origin: str = "",
    without: frozenset[str] = frozenset(),
    older: Callable[[str, str, Any, Callable[..., Any]], Callable[..., Any] | None] | None = None,
) -> Participant:
    """Adapt an object whose methods take the hook's parameters by position.

    Only hooks that the object really overrides count; properties are never evaluated.

    Args:
        name: the participant's name.
        kind: the word for it in messages.
        target: the object.
        base: the class whose own methods do not count; ``None`` when every method counts.
        skip: leading parameters the methods do not take (2 for modules: ``trainer``, ``pl_module``).
        only: hooks to consider; all by default.
        origin: distribution and version, when known.
        without: hooks to leave out.
        older: given kind, hook, target and a method that requires more than its hook hands over: what to call instead.

    Raises:
        HookSignatureError: a method requires more than its hook hands over.
    """
    participant = Participant(name, kind, target, origin)
    for event in EVENTS.values():
        if (only is None or event.name in only) and event.name not in without:
            method = overridden(target, event.name, base)
            if method is not None:
                offered = event.params[skip:]
                try:
                    passed = _by_position(participant, event, method, offered)
                except HookSignatureError:
                    found = older(kind, event.name, target, method) if older else None
                    if found is None:
                        raise
                    method, passed = found, offered
                participant.listen(event, method, passed)
    return participant


def overridden(target: Any, name: str, base: type | None) -> Callable[..., Any] | None:
    """The bound method ``name`` of an object, unless it is missing, ``None``, a property, or what ``base`` has.

    Raises:
        HookSignatureError: the attribute bears a hook's name and cannot be called.
    """
    own = getattr(target, "__dict__", {})
    if name not in own:
        found = getattr(type(target), name, None)
        if (
            found is None
            or (base is not None and found is getattr(base, name, None))
            or isinstance(found, property)
        ):
            return None
    elif own[name] is None:
        return None  # switched off for this instance
    elif base is not None and getattr(own[name], "__func__", own) is getattr(base, name, None):
        return None  # an instance's attribute that holds the base's own method
    method = getattr(target, name)
    if method is None:
        return None  # ``module.val_dataloader = None`` takes a hook away
    if not callable(method):
        raise HookSignatureError(
            f"{type(target).__name__}.{name} bears the name of a hook and is {method!r}, which cannot be called. "
            "Make it a method or rename it."
        )
    return method  # type: ignore[no-any-return]


def _by_position(
    who: Participant, event: Event, method: Callable[..., Any], offered: tuple[str, ...]
) -> tuple[str, ...]:
    _refuse_coroutines(f"{event.name} of {who}", method)
    try:
        parameters = inspect.signature(method).parameters.values()
    except ValueError as error:
        if inspect.ismethod(method):
            raise HookSignatureError(f"{event.name} of {who} takes no self: it cannot be called.") from error
        return offered
    except TypeError:
        return offered
    if any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in parameters):
        return offered
    positional = [one for one in parameters if one.kind in _POSITIONAL]
    needed = [one.name for one in positional if one.default is inspect.Parameter.empty]
    keywords = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    if keywords:
        raise HookSignatureError(
            f"{event.name} of {who} needs the keyword {keywords[0]!r}; hooks hand over their parameters by position "
            f"({', '.join(offered)}). Give it a default."
        )
    if len(needed) > len(offered):
        raise HookSignatureError(
            f"{event.name} of {who} takes ({', '.join(needed)}); the hook hands over ({', '.join(offered)}). "
            "Give the additional parameters defaults or remove them."
        )
    return offered[: len(positional)]


def _refuse_coroutines(what: str, method: Callable[..., Any]) -> None:
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise HookSignatureError(
            f"{what} is an async function, and nobody would await it. Make it a plain function."
        )
    if inspect.isgeneratorfunction(method):
        raise HookSignatureError(
            f"{what} is a generator function, and nobody would advance it. Return, do not yield."
        )


def from_plugin(name: str, plugin: Any, origin: str = "") -> Participant:
    """Adapt a hook plugin: a module, a class (made without arguments) or an instance.

    Functions named like hooks are implementations; they take any of the hook's parameters, by name.

    Raises:
        HookSignatureError: an implementation has ``*args``, ``**kwargs``, keyword-only parameters or a parameter that
            the hook does not have, or a public ``on_…``/``leyden_…`` function matches no hook.
    """
    target = plugin() if inspect.isclass(plugin) else plugin
    participant = Participant(name, "plugin", target, origin)
    for attribute in dir(target if isinstance(target, ModuleType) else type(target)):
        function = inspect.getattr_static(target, attribute, None)
        if getattr(function, "__module__", None) == _EMPTY_HOOKS:
            continue
        _check_mark(participant, attribute, function)
        if attribute in EVENTS and _routine(function):
            _add(participant, EVENTS[attribute], getattr(target, attribute))
        elif _stray(target, attribute, function):
            raise HookSignatureError(
                f"{participant} has a function {attribute!r}, and there is no such hook. "
                f"{did_you_mean(attribute, EVENTS)} Functions that are no hooks must not begin with 'on_' or 'leyden_'."
            )
    return participant


def _options(call: Callable[..., Any]) -> Mapping[str, Any]:
    """What ``@hookimpl`` left on a callable; nothing on one that answers to every name, as mocks do."""
    found = getattr(call, IMPLEMENTATION, None)
    return found if isinstance(found, Mapping) else {}


def _check_mark(participant: Participant, attribute: str, function: Any) -> None:
    """Refuse a ``@hookimpl`` that could not work."""
    mark = getattr(getattr(function, "__func__", function), IMPLEMENTATION, None)
    if mark is None:
        return
    if mark.get("specname") not in (None, attribute):
        raise HookSignatureError(
            f"{attribute!r} of {participant} is marked with specname: name the function like its hook."
        )
    if attribute not in EVENTS:
        raise HookSignatureError(
            f"{attribute!r} of {participant} is marked as a hook implementation, and there is no such hook. "
            + did_you_mean(attribute, EVENTS)
        )
    if mark.get("wrapper") or mark.get("hookwrapper"):
        if not inspect.isgeneratorfunction(getattr(function, "__func__", function)):
            raise HookSignatureError(
                f"{attribute!r} of {participant} is marked as a wrapper and does not yield."
            )
        if EVENTS[attribute].every:
            raise HookSignatureError(
                f"{attribute!r} of {participant} is marked as a wrapper: this hook reaches everybody, whatever "
                "happens, and cannot be wrapped."
            )


def _routine(function: Any) -> bool:
    return inspect.isfunction(function) or isinstance(function, staticmethod | classmethod)


def _stray(target: Any, attribute: str, function: Any) -> bool:
    if not (attribute.startswith(("on_", "leyden_")) and _routine(function)):
        return False
    return not isinstance(target, ModuleType) or getattr(function, "__module__", None) == target.__name__


def _add(participant: Participant, event: Event, function: Callable[..., Any]) -> None:
    parameters = inspect.signature(function).parameters.values()
    names = tuple(one.name for one in parameters)
    if any(one.kind not in _POSITIONAL for one in parameters):
        raise HookSignatureError(
            f"{event.name} of {participant} has *args, **kwargs or keyword-only parameters. "
            f"Name the ones it needs: {', '.join(event.params)}."
        )
    unknown = [one for one in names if one not in event.params]
    if unknown:
        raise HookSignatureError(
            f"{event.name} of {participant} asks for {listed(unknown)}; the hook has {listed(event.params)}. "
            + did_you_mean(unknown[0], event.params)
        )
    options = _options(function)
    if options.get("wrapper") or options.get("hookwrapper"):
        participant.wrap(event, function)
    else:
        participant.listen(event, function, names)
