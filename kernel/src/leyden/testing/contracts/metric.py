"""The contract of metrics."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

from leyden.testing.contracts.base import EntryContract
from leyden.testing.fingerprint import fingerprint


class MetricContract(EntryContract):
    """A metric of ``leyden.metrics``: ``update``, ``compute`` and ``reset``.

    Override :meth:`updates` and, where the class needs arguments, :meth:`make`.
    """

    group: ClassVar[str] = "leyden.metrics"
    imports_torch: ClassVar[bool] = True

    def updates(self) -> list[tuple[Any, ...]]:
        """The arguments of several calls of ``update``, different from each other."""
        raise NotImplementedError(f"{type(self).__name__} has no updates(): return arguments for update.")

    def computed(self, metric: Any) -> Any:
        """The metric after all updates, in a form that can be compared."""
        for args in self.updates():
            metric.update(*args)
        return fingerprint(metric.compute())

    def test_reset_forgets(self) -> None:
        """After ``reset`` the same updates give the same value."""
        metric = self.make()
        first = self.computed(metric)
        metric.reset()
        assert self.computed(metric) == first == self.computed(self.make())

    def test_computing_twice_changes_nothing(self) -> None:
        """``compute`` can be called again."""
        metric = self.make()
        first = self.computed(metric)
        assert fingerprint(metric.compute()) == first

    def test_survives_pickling_in_the_middle(self) -> None:
        """A copy of a metric that saw half of the updates goes on as the metric itself."""
        metric, updates = self.make(), self.updates()
        half = len(updates) // 2
        for args in updates[:half]:
            metric.update(*args)
        metric = pickle.loads(pickle.dumps(metric))
        for args in updates[half:]:
            metric.update(*args)
        assert fingerprint(metric.compute()) == self.computed(self.make())
