"""The contract of Trainer options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from leyden.plugins.catalogue import DEFAULTS, OPTIONS, catalogue
from leyden.plugins.errors import ConfigurationError, shown
from leyden.testing.contracts.run import RunContract
from leyden.testing.fingerprint import fingerprint


class Nonsense:
    """A value that no option takes."""

    def __repr__(self) -> str:
        return "<nonsense>"


class OptionContract(RunContract):
    """An ``Option`` of ``leyden.options``; the entry point's name is the keyword.

    Attributes:
        good: values that are accepted, besides the default.
        bad: values that are refused, besides nonsense.
    """

    group: ClassVar[str] = OPTIONS
    good: ClassVar[Sequence[Any]] = ()
    bad: ClassVar[Sequence[Any]] = ()

    def keywords(self, component: Any) -> dict[str, Any]:
        """The keyword with the first good value, or its default."""
        return {self.entry().name: next(iter(self.good), component.default)}

    def checked(self, value: Any) -> Any:
        """The normal form of a value, as the Trainer gets it: its type is checked, then the option validates it.

        Raises:
            leyden.errors.ConfigurationError: it is refused.
        """
        from leyden.api.keywords import validated

        option, keyword = self.make(), self.entry().name
        if value is not option.default:
            value = validated(keyword, value, option.annotation, str(option.annotation))
        return option.validate(value, {keyword: value})

    def test_takes_its_default(self) -> None:
        """The default is accepted, and its normal form stays as it is."""
        normal = self.checked(self.make().default)
        assert fingerprint(self.checked(normal)) == fingerprint(normal)

    def test_takes_what_is_good(self) -> None:
        """Good values are accepted, their normal form stays as it is, and a run with each ends well."""
        keyword = self.entry().name
        for value in self.good:
            option = self.make()
            normal = option.validate(value, {keyword: value})
            assert fingerprint(option.validate(normal, {keyword: normal})) == fingerprint(normal), shown(
                value
            )
            self.run("fit", **{keyword: value}).ok()

    def test_refuses_what_is_bad(self) -> None:
        """Bad values are refused with an error that names keyword and value, before anything runs."""
        keyword = self.entry().name
        for value in (Nonsense(), *self.bad):
            with pytest.raises(ConfigurationError) as caught:
                self.checked(value)
            assert keyword in str(caught.value), (
                f"the error for {shown(value)} does not name {keyword}: {caught.value}"
            )
            assert shown(value) in str(caught.value), (
                f"the error does not show {shown(value)}: {caught.value}"
            )

    def test_the_trainer_refuses_what_is_bad(self) -> None:
        """A Trainer with a bad value is not made."""
        outcome = self.run("fit", **{self.entry().name: Nonsense()})
        assert isinstance(outcome.exception, ConfigurationError), outcome.exception
        assert outcome.events == []

    def test_two_trainers_do_not_share_it(self) -> None:
        """A Trainer that does not name the keyword is as if no other had."""
        keyword = self.entry().name
        plain = self.run("fit", **{keyword: self.make().default}).ok()
        for value in self.good:
            self.run("fit", **{keyword: value}).ok()
        again = self.run("fit", **{keyword: self.make().default}).ok()
        assert again.events == plain.events
        assert again.metrics == plain.metrics

    def test_is_documented(self) -> None:
        """``help(leyden.Trainer)`` has a line for it, and a type."""
        option = self.entry().load()
        assert option.doc and "\n" not in option.doc
        assert option.annotation is not Any, "say which type the keyword takes"
        assert isinstance(option.order, int)

    def test_a_default_entry_is_the_same(self) -> None:
        """Where it takes part unasked, ``leyden.defaults`` names the same object."""
        entry = self.entry()
        same = [
            one
            for one in catalogue().group(DEFAULTS)
            if (one.name, one.distribution) == (entry.name, entry.distribution)
        ]
        assert [one.value for one in same] in ([], [entry.value])
