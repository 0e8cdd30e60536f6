"""Options: keywords of the Trainer that a plugin owns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar


class Option(ABC):
    """One Trainer keyword. The entry point's name in ``leyden.options`` is the keyword.

    An option takes part when its keyword is given, or always when its entry point also stands in ``leyden.defaults``.

    Attributes:
        default: the value when the keyword is not given.
        annotation: the accepted type, for signatures and documentation, e.g. ``float | None``.
        order: options are applied in this order; below 0 come those that rewrite other keywords.
        doc: one line for ``help(leyden.Trainer)``.
        hidden: left out of ``help`` and of the signature: another spelling of something that stands there.
    """

    default: ClassVar[Any] = None
    annotation: ClassVar[Any] = Any
    order: ClassVar[int] = 50
    doc: ClassVar[str] = ""
    hidden: ClassVar[bool] = False

    def rewrite(self, value: Any, given: dict[str, Any]) -> None:
        """Change the keywords that were given, before any is applied (e.g. an old spelling into the new one)."""

    @abstractmethod
    def validate(self, value: Any, given: Mapping[str, Any]) -> Any:
        """Return the value in its normal form.

        Args:
            value: what the user gave, or the default.
            given: all keywords as given, for contradictions.

        Raises:
            leyden.errors.ConfigurationError: it cannot be; names keyword, value, what is allowed, and the remedy.
        """

    @abstractmethod
    def apply(self, value: Any, trainer: Any) -> None:
        """Make a Trainer behave so: set its attributes, append to ``trainer.callbacks``, or add hook
        implementations with ``trainer.add_listener``."""
