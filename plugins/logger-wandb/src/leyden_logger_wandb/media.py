"""Tables, images, sounds and films as values that a run takes."""

from __future__ import annotations

from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError


def several(kind: str, argument: str, values: Any, options: dict[str, Any]) -> list[Any]:
    """One object of W&B for each value.

    Args:
        kind: its class: ``Image``, ``Audio`` or ``Video``.
        argument: the name of the argument that holds the values.
        values: files, arrays and whatever else the class takes.
        options: further arguments of the class, each a list with one for each value.

    Raises:
        leyden.errors.ArgumentTypeError: the values are no list.
        leyden.errors.ConfigurationError: an option has another length.
    """
    if not isinstance(values, list):
        raise ArgumentTypeError.about(argument, values, f"a list, not a {type(values).__name__}")
    for name, given in options.items():
        if not isinstance(given, list | tuple):
            raise ArgumentTypeError.about(name, given, f"a list with one for each of {argument}")
        if len(given) != len(values):
            raise ConfigurationError.about(
                name, given, f"a list of {len(values)}, one for each of {argument}"
            )
    import wandb

    make = getattr(wandb, kind)
    return [
        make(one, **{name: given[index] for name, given in options.items()})
        for index, one in enumerate(values)
    ]
