"""The contract of hook plugins."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from leyden.plugins.catalogue import PLUGINS
from leyden.testing.contracts.run import RunContract
from leyden.testing.outcome import Outcome
from leyden.testing.validation import adapted


class PluginContract(RunContract):
    """A module or class of ``leyden.plugins`` that takes part in every run once it is installed."""

    group: ClassVar[str] = PLUGINS

    def make(self) -> Any:
        """The module, or an instance of the class."""
        loaded = self.entry().load()
        return loaded() if inspect.isclass(loaded) else loaded

    def keywords(self, component: Any) -> dict[str, Any]:
        """None: it takes part because it is installed."""
        return {}

    def run(self, *stages: str, component: Any = None, **keywords: Any) -> Outcome:
        """Run stages with nothing installed but the plugin and what it requires."""
        return super().run(*stages, component=component or "installed", **keywords)

    def test_takes_part(self) -> None:
        """A run in which nobody names it has it among its participants, and calls what it implements."""
        entry = self.entry()
        outcome = self.run("fit").ok()
        names = {one.name for one in outcome.trainer.session.manager.participants if one.kind == "plugin"}
        assert entry.name in names
        assert adapted(entry.name, entry.load()).hooks
