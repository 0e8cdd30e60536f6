"""What ``ModelPruning`` may be given, and torch's pruning methods by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from torch.nn.utils import prune

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean, listed

METHODS: dict[str, tuple[Callable[..., Any], type[prune.BasePruningMethod]]] = {
    "ln_structured": (prune.ln_structured, prune.LnStructured),
    "l1_unstructured": (prune.l1_unstructured, prune.L1Unstructured),
    "random_structured": (prune.random_structured, prune.RandomStructured),
    "random_unstructured": (prune.random_unstructured, prune.RandomUnstructured),
}
"""For each name, the function that prunes one parameter, and the method that prunes several together."""


def method_of(given: Any, together: bool, dim: int | None, norm: int | float | str | None) -> tuple[Any, str]:
    """What prunes, and its name.

    Args:
        given: the name of a method, or a class of one's own.
        together: prune several parameters together.
        dim: the dimension of structured methods.
        norm: the norm of ``ln_structured``.

    Raises:
        leyden.errors.ConfigurationError: there is no such method, or it lacks an argument.
    """
    if isinstance(given, str):
        name = given.lower()
        if name not in METHODS:
            raise ConfigurationError.about(
                "pruning_fn", given, f"{listed(METHODS)}, or a BasePruningMethod", did_you_mean(name, METHODS)
            )
        found = METHODS[name]
        structure = _structure(name, dim, norm)
        method: Any = found[1] if together else partial(found[0], **structure)
        label = found[int(together)].__name__
    elif inspect.isclass(given) and issubclass(given, prune.BasePruningMethod):
        if not together:
            raise ConfigurationError(
                f"pruning_fn={given.__name__} prunes parameters together: use_global_unstructured=False is not "
                "possible with a class."
            )
        method, label = given, given.__name__
    else:
        raise ArgumentTypeError.about(
            "pruning_fn",
            given,
            f"{listed(METHODS)}, or a BasePruningMethod",
            "Pass the class, not an instance.",
        )
    kind = getattr(method, "PRUNING_TYPE", None)
    if together and kind != "unstructured":
        raise ConfigurationError(
            f"pruning_fn={label} is {kind}; parameters are pruned together by unstructured methods alone. Pass "
            "use_global_unstructured=False."
        )
    return method, label


def _structure(name: str, dim: int | None, norm: Any) -> dict[str, Any]:
    if not name.endswith("_structured"):
        return {}
    if dim is None:
        raise ConfigurationError(
            f"pruning_fn={name!r} needs pruning_dim, the dimension along which to prune."
        )
    if name != "ln_structured":
        return {"dim": dim}
    if norm is None:
        raise ConfigurationError("pruning_fn='ln_structured' needs pruning_norm, e.g. 2.")
    return {"dim": dim, "n": norm}


def amount_of(value: Any) -> Any:
    """The amount, or the function that tells it."""
    allowed = "a fraction (a float from 0 to 1), a count (an int of at least 0), or a function of the epoch"
    if callable(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentTypeError.about("amount", value, allowed)
    if value < 0 or (isinstance(value, float) and value > 1):
        raise ConfigurationError.about("amount", value, allowed)
    return value


def switch(name: str, value: Any, function: bool = True) -> Any:
    """A bool, or a function that tells it."""
    if not isinstance(value, bool) and not (function and callable(value)):
        raise ArgumentTypeError.about(
            name, value, "True, False or a function of the epoch" if function else "True or False"
        )
    return value
