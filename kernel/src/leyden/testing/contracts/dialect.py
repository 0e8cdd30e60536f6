"""The contract of dialects."""

from __future__ import annotations

from typing import Any, ClassVar

from leyden.interfaces.dialect import Dialect
from leyden.plugins.catalogue import DIALECTS
from leyden.testing.contracts.run import RunContract
from leyden.testing.fingerprint import fingerprint

UNKNOWN = "leyden_contract_unknown"


class DialectContract(RunContract):
    """A ``Dialect`` of ``leyden.dialects``: it is asked in every program once it is installed.

    So it must leave alone what is written for the present API, and answer ``None`` to what it does not know.
    """

    group: ClassVar[str] = DIALECTS

    def keywords(self, component: Any) -> dict[str, Any]:
        """None: it is asked because it is installed."""
        return {}

    def test_is_a_dialect(self) -> None:
        """It is made without arguments, as each question does."""
        assert isinstance(self.entry().load()(), Dialect)

    def test_leaves_the_present_api_alone(self) -> None:
        """The events, weights and metrics of a run are those of a run without it."""
        with_it, without = self.run(*self.stages).ok(), self.run(*self.stages, allowed=()).ok()
        assert with_it.events == without.events
        assert with_it.metrics == without.metrics
        assert fingerprint(dict(with_it.module.state_dict())) == fingerprint(
            dict(without.module.state_dict())
        )

    def test_leaves_keywords_alone(self) -> None:
        """Keywords of the present API are handed on as they were given."""
        given = {"max_epochs": 3, "callbacks": [], "logger": False}
        self.make().keywords(given)
        assert given == {"max_epochs": 3, "callbacks": [], "logger": False}

    def test_does_not_know_everything(self) -> None:
        """What nobody can know is answered with ``None``."""
        from leyden.api.trainer import Trainer
        from leyden.testing.tiny import TinyModule

        made, trainer = self.make(), self.run("fit").ok().trainer
        assert made.member(Trainer, trainer, UNKNOWN) is None
        assert made.arguments(trainer, "fit", {UNKNOWN: 1}) is None
        assert made.scheme(trainer.session, None) is None
        assert made.understands(UNKNOWN) is None
        assert made.method(TinyModule(), UNKNOWN, len, 1) is None
