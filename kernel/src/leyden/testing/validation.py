"""What a loaded entry point must be, told without running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from leyden.kernel.events import EVENTS
from leyden.plugins.adapt import Participant, from_object, from_plugin
from leyden.plugins.catalogue import DEFAULTS, DIALECTS, NAMES, OPTIONS, PLUGINS, Entry
from leyden.plugins.errors import HookSignatureError, did_you_mean

INTERFACES = {
    "leyden.accelerators": "leyden.interfaces.accelerator:Accelerator",
    "leyden.callbacks": "leyden.api.callback:Callback",
    "leyden.checkpoint_ios": "leyden.interfaces.checkpoint_io:CheckpointIO",
    "leyden.commands": "leyden.interfaces.command:Command",
    DIALECTS: "leyden.interfaces.dialect:Dialect",
    "leyden.environments": "leyden.interfaces.environment:ClusterEnvironment",
    "leyden.exporters": "leyden.interfaces.exporter:Exporter",
    "leyden.loggers": "leyden.api.logger:Logger",
    "leyden.migrations": "leyden.interfaces.migration:Migration",
    "leyden.precisions": "leyden.interfaces.precision:Precision",
    "leyden.profilers": "leyden.interfaces.profiler:Profiler",
    "leyden.steps": "leyden.interfaces.step:StepScheme",
    "leyden.strategies": "leyden.interfaces.strategy:Strategy",
    "leyden.tuners": "leyden.interfaces.tuner:Tuner",
    OPTIONS: "leyden.interfaces.option:Option",
    DEFAULTS: "leyden.interfaces.option:Option",
}
"""The class that a family's components subclass; hook plugins, metrics and names have none."""

HOOK_LIKE = ("on_", "leyden_")
_EMPTY = inspect.Parameter.empty


def interface(group: str) -> type | None:
    """The class that the components of a group subclass."""
    module, _, name = INTERFACES.get(group, "").partition(":")
    return getattr(import_module(module), name) if module else None


def problems(entry: Entry, loaded: Any) -> list[str]:
    """What is wrong with a loaded entry point, as sentences that say how to mend it; empty when nothing is.

    Args:
        entry: the entry point.
        loaded: what it stands for.
    """
    if entry.group == PLUGINS:
        return list(_plugin(entry, loaded))
    if entry.group == NAMES:
        return []
    base = interface(entry.group)
    if base is None:
        return (
            []
            if callable(loaded)
            else [f"{entry.value} is {loaded!r}, which cannot be called. Name a class."]
        )
    if not inspect.isclass(loaded) or not issubclass(loaded, base):
        return [f"{entry.value} is {loaded!r}. Make it a subclass of {base.__module__}.{base.__qualname__}."]
    return [*_abstract(loaded), *incompatible_methods(loaded, base), *stray_hooks(loaded, base)]


def _plugin(entry: Entry, loaded: Any) -> Iterator[str]:
    try:
        participant = adapted(entry.name, loaded)
    except HookSignatureError as error:
        yield str(error)
    except Exception as error:
        yield f"It cannot be made: {type(error).__name__}: {error}. A hook plugin's class is called without arguments."
    else:
        if not participant.hooks:
            yield f"{entry.value} implements no hook. See `leyden plugins hooks` for their names."


def adapted(name: str, plugin: Any) -> Participant:
    """A hook plugin as the participant of a run; raises as :func:`leyden.plugins.adapt.from_plugin` does."""
    return from_plugin(name, plugin)


def listening(group: str, name: str, component: Any) -> Participant | None:
    """What a component listens to; ``None`` for families that do not listen.

    Args:
        group: its entry-point group.
        name: its name.
        component: the instance; for hook plugins the module or class.
    """
    if group == PLUGINS:
        return adapted(name, component)
    if group == "leyden.callbacks":
        return from_object(name, "callback", component, interface(group))
    return None


def _abstract(cls: type) -> Iterator[str]:
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        yield f"{cls.__qualname__} does not define {', '.join(missing)}. Define them."


def incompatible_methods(cls: type, base: type) -> Iterator[str]:
    """Methods of an interface that a class overrides with parameters that the caller does not have."""
    for name, method in inspect.getmembers(base, inspect.isfunction):
        own = inspect.getattr_static(cls, name, None)
        if own is inspect.getattr_static(base, name) or name.startswith("_"):
            continue
        if not callable(getattr(cls, name, None)):
            yield f"{cls.__qualname__}.{name} is {own!r}, and it must be a method."
        elif not accepts(getattr(cls, name), method, by_name=name not in EVENTS):
            yield (
                f"{cls.__qualname__}.{name}{inspect.signature(getattr(cls, name))} cannot be called as "
                f"{base.__qualname__}.{name}{inspect.signature(method)}. Take the same parameters; give more defaults."
            )


def accepts(own: Callable[..., Any], wanted: Callable[..., Any], *, by_name: bool = True) -> bool:
    """Whether a callable can be called as another is.

    Args:
        own: the callable.
        wanted: the other one.
        by_name: whether callers name the parameters that have defaults; the required ones go by position, so that
            their names are free.
    """
    theirs = list(inspect.signature(wanted).parameters.values())
    positional = [one for one in theirs if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    required = [one for one in positional if one.default is _EMPTY]
    keyword_only = {one.name: None for one in theirs if one.kind is one.KEYWORD_ONLY}
    defaulted = {one.name: None for one in positional if one.default is not _EMPTY and by_name}
    signature = inspect.signature(own)
    return (
        _binds(signature, [None] * len(required), keyword_only)
        and _binds(signature, [None] * len(positional), keyword_only)
        and _binds(signature, [None] * len(required), {**keyword_only, **defaulted})
    )


def _binds(signature: inspect.Signature, args: list[Any], kwargs: dict[str, Any]) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def stray_hooks(cls: type, base: type) -> Iterator[str]:
    """Public methods that are named like hooks and are none, so that nobody would ever call them."""
    for name, _ in inspect.getmembers(cls, inspect.isroutine):
        if name.startswith(HOOK_LIKE) and name not in EVENTS and not hasattr(base, name):
            yield (
                f"{cls.__qualname__}.{name} is named like a hook, and there is no such hook. "
                f"{did_you_mean(name, EVENTS)} Other public methods must not begin with 'on_' or 'leyden_'."
            )


def hooks_of(entry: Entry, loaded: Any) -> list[str]:
    """The hooks that a loaded entry point implements, in the order of their declaration.

    Args:
        entry: the entry point.
        loaded: the module or class that it stands for.
    """
    base = interface(entry.group)
    if entry.group == PLUGINS or (entry.group == "leyden.callbacks" and inspect.isclass(loaded)):
        space = loaded
    else:
        return []
    return [name for name in EVENTS if _own_routine(space, name, base)]


def _own_routine(space: Any, name: str, base: type | None) -> bool:
    function = inspect.getattr_static(space, name, None)
    inherited = inspect.getattr_static(base, name, None) if base is not None else None
    return function is not None and function is not inherited and callable(getattr(space, name, None))
