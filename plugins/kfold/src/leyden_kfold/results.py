"""What a cross-validation found."""

from __future__ import annotations

import csv
import os
import statistics
from dataclasses import dataclass
from math import nan


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        number: from 0.
        metrics: what validating the fold's own part of the data gave.
        train_size: samples that were trained on.
        val_size: samples that were validated on.
        checkpoint: the best checkpoint of the fold; empty where none was kept.
    """

    number: int
    metrics: dict[str, float]
    train_size: int
    val_size: int
    checkpoint: str = ""


@dataclass(frozen=True)
class CrossValidation:
    """All folds; printing it shows the table.

    Attributes:
        folds: in order.
    """

    folds: tuple[Fold, ...]

    @property
    def names(self) -> list[str]:
        """The metrics that every fold has, in the order in which they were logged."""
        return [name for name in self.folds[0].metrics if all(name in fold.metrics for fold in self.folds)]

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each metric over the folds."""
        return {name: statistics.fmean(self._values(name)) for name in self.names}

    @property
    def std(self) -> dict[str, float]:
        """The standard deviation of each metric over the folds (with n - 1); of a single fold there is none: NaN."""
        alone = len(self.folds) == 1
        return {name: nan if alone else statistics.stdev(self._values(name)) for name in self.names}

    def _values(self, name: str) -> list[float]:
        return [fold.metrics[name] for fold in self.folds]

    def table(self) -> str:
        """The table: a row for each fold, and one with mean ± standard deviation."""
        head = ["fold", "train", "val", *self.names]
        rows = [
            [str(one.number), str(one.train_size), str(one.val_size)]
            + [f"{one.metrics[name]:.4g}" for name in self.names]
            for one in self.folds
        ]
        mean, std = self.mean, self.std
        last = ["mean", "", "", *(f"{mean[name]:.4g} ± {std[name]:.2g}" for name in self.names)]
        lines = [head, *rows, last]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def __str__(self) -> str:
        return self.table()

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a row for each fold, with all digits."""
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["fold", "train_size", "val_size", *self.names, "checkpoint"])
            for one in self.folds:
                values = [one.metrics[name] for name in self.names]
                writer.writerow([one.number, one.train_size, one.val_size, *values, one.checkpoint])
