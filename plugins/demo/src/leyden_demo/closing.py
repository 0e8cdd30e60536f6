"""The closing table of the demo."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leyden_demo.demonstration import Outcome

HEADINGS = ("plugin", "kind", "distribution", "version")


def closing(outcome: Outcome) -> str:
    """The table as text: what was written where, what it scored, which plugins took part, and what to try next."""
    parts = [
        title("What was written"), *columns(list(written(outcome))), "",
        title("What it scored"), *columns(list(scored(outcome))), "",
        *exported(outcome),
        title("Which plugins took part"), *columns([HEADINGS, *outcome.parts]), "",
        title("What to try next"), f"  tensorboard --logdir {outcome.root}",
    ]  # fmt: skip
    return "\n".join(["", *parts])


def written(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Rows of what was written, with paths that exist."""
    yield "best checkpoint", near(outcome.best)
    yield "last checkpoint", near(outcome.last)
    yield "TensorBoard logs", near(outcome.folder)
    yield "CSV log", near(outcome.folder / "metrics.csv")
    yield "hyper-parameters", near(outcome.folder / "hparams.yaml")


def scored(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Rows of how it went."""
    scores = outcome.scores
    yield "training", outcome.training
    yield "best validation", f"loss {scores['val_loss']:.4f}"
    yield "test", f"accuracy {scores['test_acc']:.4f}, loss {scores['test_loss']:.4f}"
    yield "reloaded", f"{outcome.right} of {outcome.digits} test digits recognised"


def exported(outcome: Outcome) -> list[str]:
    """The block about exports; without an exporter there is none."""
    if not outcome.exports:
        return []
    rows = [(name, place and near(Path(place)), how) for name, place, how in outcome.exports]
    return [title("What was exported, and how far it is from the module"), *columns(rows), ""]


def near(path: Path) -> str:
    """A path relative to the working directory where it stands below it."""
    here = Path.cwd().resolve()
    full = path.resolve()
    return str(full.relative_to(here) if full.is_relative_to(here) else full)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def title(text: str) -> str:
    """A heading: bold where a person looks at a terminal that can."""
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[1m{text}\x1b[0m"
