"""Signatures of hooks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def is_param_in_hook_signature(
    hook_fx: Callable[..., Any], param: str, explicit: bool = False, min_args: int | None = None
) -> bool:
    """Whether a hook takes a parameter.

    Args:
        hook_fx: the hook.
        param: the parameter's name.
        explicit: ``*args`` does not count.
        min_args: having that many positional parameters counts as well.
    """
    spec = inspect.getfullargspec(getattr(hook_fx, "__wrapped__", hook_fx))
    names = spec.args[1:] if spec.args[:1] == ["self"] else spec.args
    return (
        param in names
        or param in spec.kwonlyargs
        or (not explicit and spec.varargs is not None)
        or (min_args is not None and len(names) >= min_args)
    )
