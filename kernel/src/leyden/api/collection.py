"""What one phase has logged."""

from __future__ import annotations

from typing import Any

from leyden.api.entry import Entry
from leyden.api.transfer import first_dimensions
from leyden.api.warn import warn
from leyden.plugins.errors import ConfigurationError


class Collection:
    """What one phase has logged since it was last reset.

    Args:
        training: whether it is the training phase; evaluation's step values are not monitored.

    Attributes:
        stepwise: whether anything is logged by step.
    """

    def __init__(self, training: bool) -> None:
        self.training = training
        self.entries: dict[tuple[str | None, str, int | None], Entry] = {}
        self.batch: Any = None
        self.size: int | None = None
        self.loader: int | None = None
        self.stepwise = False

    def batch_size(self, name: str) -> int:
        """The samples in the running batch, found once a batch; 1 outside a batch."""
        if self.batch is None:
            return 1
        if self.size is None:
            sizes = first_dimensions(self.batch)
            if not sizes:
                raise ConfigurationError(
                    f"self.log({name!r}, …): the batch holds no tensor to tell its size from. Pass "
                    "batch_size to self.log."
                )
            if sizes.count(sizes[0]) != len(sizes):
                warn(
                    "batch-size",
                    f"self.log({name!r}, …) takes {sizes[0]} as the batch size, and the batch holds tensors "
                    f"of sizes {sorted(set(sizes))}. Pass batch_size to self.log.",
                )
            self.size = sizes[0]
        return self.size

    def reset(self) -> None:
        """Forget all values, and reset the metric objects."""
        for entry in self.entries.values():
            if entry.metric is not None:
                entry.metric.reset()
            entry.reset()
        self.entries, self.stepwise = {}, False
