"""What was logged in the running loop, as Lightning's result collections show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, TypedDict


class LoggedMetrics(TypedDict):
    """The three views of what was logged."""

    callback: dict[str, Any]
    log: dict[str, Any]
    pbar: dict[str, Any]


class ResultMetric:
    """One logged name.

    Attributes:
        meta: ``fx``, ``name``, ``prog_bar``, ``logger``, ``on_step``, ``on_epoch`` and ``dataloader_idx``.
        value: the last value; a metric object where one was logged.
    """

    def __init__(self, hook: str | None, entry: Any) -> None:
        self._entry = entry
        self.meta = SimpleNamespace(
            fx=hook,
            name=entry.name,
            prog_bar=entry.prog_bar,
            logger=entry.logger,
            on_step=entry.on_step,
            on_epoch=entry.on_epoch,
            dataloader_idx=entry.loader,
        )
        self.value = entry.metric if entry.metric is not None else entry.last

    @property
    def is_tensor(self) -> bool:
        """Whether values rather than a metric object were logged."""
        return self._entry.metric is None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.meta.name!r}, value={self.value!r})"


class ResultsView(Mapping[str, ResultMetric]):
    """Everything logged in a loop so far, by ``hook.name``.

    Args:
        results: the session's results.
    """

    def __init__(self, results: Any) -> None:
        self._results = results
        self.training = bool(results.current.training)

    @property
    def result_metrics(self) -> list[ResultMetric]:
        """The entries."""
        return list(self._entries().values())

    @property
    def batch(self) -> Any:
        """The running batch."""
        return self._results.current.batch

    @property
    def batch_size(self) -> int | None:
        """Its size, once somebody asked for it."""
        found: int | None = self._results.current.size
        return found

    def metrics(self, on_step: bool) -> LoggedMetrics:
        """The three views now."""
        self._results.refresh()
        return LoggedMetrics(
            callback=self._results.callback, log=self._results.logged, pbar=self._results.bar
        )

    def _entries(self) -> dict[str, ResultMetric]:
        found = {}
        for (hook, name, loader), entry in self._results.current.entries.items():
            key = f"{hook}.{name}" if loader is None else f"{hook}.{name}.{loader}"
            found[key] = ResultMetric(hook, entry)
        return found

    def __getitem__(self, key: str) -> ResultMetric:
        return self._entries()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._results.current.entries)
