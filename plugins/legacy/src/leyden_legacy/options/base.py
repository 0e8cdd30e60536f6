"""What the older keywords share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from leyden.api.keywords import validated
from leyden.errors import ConfigurationError
from leyden.interfaces import Option
from leyden.plugins.components import by_attribute
from leyden.plugins.errors import shown
from leyden_legacy.notes import note


class Keyword(Option):
    """One older keyword: checked and turned into present ones before any of these is read.

    Attributes:
        keyword: its name.
        modern: what to write instead, for the note and the documentation.
        allowed: what it takes, in words.
        silent: values that ask for nothing: they are accepted without a note.
    """

    order: ClassVar[int] = -50
    hidden: ClassVar[bool] = True
    keyword: ClassVar[str]
    modern: ClassVar[str]
    allowed: ClassVar[str]
    silent: ClassVar[tuple[Any, ...]] = (None,)

    def __init_subclass__(cls) -> None:
        cls.doc = f"Lightning 1.x; write {cls.modern}"

    def __init__(self) -> None:
        self.value: Any = self.default

    def rewrite(self, value: Any, given: dict[str, Any]) -> None:
        """Take the keyword out of those given and put the present ones in its place."""
        self.value = self.validate(value, given)
        del given[self.keyword]
        if not any(
            self.value is one or (type(self.value) is type(one) and self.value == one) for one in self.silent
        ):
            note(f"Trainer({self.keyword}=…)", self.modern)
            self.become(self.value, given)

    def validate(self, value: Any, given: Mapping[str, Any]) -> Any:
        """The value, if it is of the keyword's type.

        Raises:
            leyden.errors.ConfigurationError: it is not.
        """
        return validated(self.keyword, value, self.annotation, self.allowed)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """Put the present keywords among those given."""

    def apply(self, value: Any, trainer: Any) -> None:
        """Make the Trainer behave so, where no present keyword does; the value is ``self.value``."""


def put(given: dict[str, Any], keyword: str, value: Any, because: str) -> None:
    """Give a present keyword a value.

    Raises:
        leyden.errors.ConfigurationError: it was given another one as well.
    """
    before = given.get(keyword)
    if before not in (None, "auto", value):
        raise ConfigurationError(
            f"{because} means {keyword}={shown(value)}, and {keyword}={shown(before)} is given as well. "
            f"Leave {because} out."
        )
    given[keyword] = value


def callbacks_of(given: Mapping[str, Any]) -> list[Any]:
    """The callbacks given, as a list."""
    found = given.get("callbacks")
    return [] if found is None else list(found) if isinstance(found, list | tuple) else [found]


def add_callback(given: dict[str, Any], name: str, **arguments: Any) -> None:
    """Add a callback of an installed class to those given.

    Raises:
        leyden.errors.PluginNotFoundError: it is not installed; says what to install.
    """
    given["callbacks"] = [*callbacks_of(given), by_attribute("callbacks", name)(**arguments)]
