"""Where a hyper-parameter is kept: on the module, on the data module, or among their hyper-parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leyden.errors import ConfigurationError
from leyden.plugins.errors import listed


class MissingAttributeError(ConfigurationError, AttributeError):
    """Nobody has the attribute that a search would set."""


class Attribute:
    """A hyper-parameter by name, wherever it is kept.

    Args:
        module: the module.
        datamodule: the data module, if any.
        name: the name.
    """

    def __init__(self, module: Any, datamodule: Any, name: str) -> None:
        self.name = name
        self._holders: list[Any] = []
        for owner in (module, datamodule):
            if owner is not None and hasattr(owner, name):
                self._holders.append(owner)
            hparams = getattr(owner, "hparams", None)
            if hparams is not None and name in hparams:
                self._holders.append(hparams)

    def __bool__(self) -> bool:
        return bool(self._holders)

    def get(self) -> Any:
        """The value; where there are several, that of the data module before that of the module."""
        holder = self._holders[-1]
        return holder[self.name] if isinstance(holder, dict) else getattr(holder, self.name)

    def set(self, value: Any) -> None:
        """Set it everywhere."""
        for holder in self._holders:
            if isinstance(holder, dict):
                holder[self.name] = value
            else:
                setattr(holder, self.name, value)


def found(module: Any, datamodule: Any, names: Sequence[str], argument: str) -> Attribute:
    """The first of several names that somebody has.

    Raises:
        MissingAttributeError: nobody has one; the message names the argument that chooses another.
    """
    for name in names:
        attribute = Attribute(module, datamodule, name)
        if attribute:
            return attribute
    owners = type(module).__name__ + (f" and {type(datamodule).__name__}" if datamodule is not None else "")
    raise MissingAttributeError(
        f"Neither {owners} nor their hparams have an attribute {' or '.join(map(repr, names))}, which the search sets"
        f" (among hparams: {listed(getattr(module, 'hparams', {}))}). Add it, or name another with {argument}=…."
    )
