"""How many arguments a user's step takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from leyden.api.dialects import ask
from leyden.errors import UserCodeError
from leyden.plugins.adapt import overridden

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def positional(method: Callable[..., Any]) -> tuple[list[str], int, bool]:
    """The positional parameters of a method: names, how many are required, and whether it has ``*args``."""
    parameters = inspect.signature(method).parameters.values()
    named = [one for one in parameters if one.kind in _POSITIONAL]
    required = sum(one.default is one.empty for one in named)
    return [one.name for one in named], required, any(one.kind is one.VAR_POSITIONAL for one in parameters)


def checked(module: Any, name: str, base: type, count: int) -> Callable[..., Any] | None:
    """A method that the module overrides, checked to take ``count`` positional arguments; else ``None``.

    Raises:
        leyden.errors.UserCodeError: it takes more, fewer, or cannot be called so.
    """
    method = overridden(module, name, base)
    if method is not None:
        names, required, rest = _signature(f"{type(module).__name__}.{name}", method)
        fits = required <= count and (len(names) >= count or rest)
        if not fits or "optimizer_idx" in names:
            older: Callable[..., Any] | None = ask("method", module, name, method, count)
            if older is not None:
                return older
        if not fits:
            raise UserCodeError(
                f"{type(module).__name__}.{name} takes ({', '.join(names)}), and it is called with {count} argument(s)."
            )
    return method


def _signature(owner: str, method: Callable[..., Any]) -> tuple[list[str], int, bool]:
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise UserCodeError(
            f"{owner} is an async function, and nobody would await it. Make it a plain function."
        )
    if inspect.isgeneratorfunction(method):
        raise UserCodeError(
            f"{owner} is a generator function, and nobody would advance it. Return instead of yield."
        )
    try:
        return positional(method)
    except ValueError as error:
        raise UserCodeError(f"{owner} takes no self: it cannot be called.") from error


def step_arguments(module: Any, name: str, step: Callable[..., Any], loaders: int = 1) -> Callable[..., Any]:
    """Bring a step into the form that the loop calls.

    Args:
        module: the user's module, whose method ``name`` tells the signature.
        name: ``training_step``, ``validation_step``, ``test_step`` or ``predict_step``.
        step: what to call (the method itself, or the strategy's way to it).
        loaders: how many loaders the stage has; with several, ``dataloader_idx`` is needed.

    Returns:
        For training a callable of ``(batch, batch_idx)``, else of ``(batch, batch_idx, dataloader_idx)``.

    Raises:
        leyden.errors.UserCodeError: the method takes more than it gets, or less than several loaders need.
    """
    names, required, rest = _signature(f"{type(module).__name__}.{name}", getattr(module, name))
    training = name == "training_step"
    offered = ["batch", "batch_idx"] if training or loaders == 1 else ["batch", "batch_idx", "dataloader_idx"]
    owner = f"{type(module).__name__}.{name}"
    if not names and not rest:
        raise UserCodeError(f"{owner} takes no batch. Its parameters are ({', '.join(offered)}).")
    if required > len(offered):
        older: Callable[..., Any] | None = ask("step", module, name, step, names) if training else None
        if older is not None:
            return older
        raise UserCodeError(
            f"{owner} takes ({', '.join(names)}); with {loaders} loader(s) it gets ({', '.join(offered)}). "
            + _hint(names, loaders)
        )
    if not training and loaders > 1 and len(names) < 3 and not rest:
        raise UserCodeError(
            f"{owner} takes ({', '.join(names)}); with {loaders} loaders it needs dataloader_idx as well."
        )
    count = len(offered) if rest else min(len(names), len(offered))
    if training:
        return step if count == 2 else (lambda batch, batch_idx: step(batch))
    if count == 3:
        return step
    return (
        (lambda batch, batch_idx, _: step(batch, batch_idx))
        if count == 2
        else (lambda batch, *_: step(batch))
    )


def _hint(names: list[str], loaders: int) -> str:
    if "optimizer_idx" in names:
        return (
            "optimizer_idx is Lightning 1.x: install it with pip install leyden-legacy, or optimize manually."
        )
    if "dataloader_idx" in names and loaders == 1:
        return "Give dataloader_idx the default 0, so that the method works with one loader too."
    return "Remove the others or give them defaults."
