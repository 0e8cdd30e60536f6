"""Draws what ``tests.benchmarks.speed`` measured: ``python -m tests.benchmarks.picture FIGURES.json PICTURE.png``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

COLOURS = {"leyden": "#1b6ca8", "lightning": "#b8b8b8"}
OTHERS = "#dddddd"


def draw(figures: dict[str, dict[str, float]], target: Path) -> None:
    """A row of bars for each case, on a logarithmic scale; 1 is the loop by hand.

    Args:
        figures: by case, then by program: times as long as by hand.
        target: the file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    height = sum(len(one) + 1 for one in figures.values())
    figure, axes = pyplot.subplots(figsize=(8, 0.24 * height + 1))
    place, ticks = 0.0, []
    for title, ratios in figures.items():
        ticks.append((place - (len(ratios) - 1) / 2, title))
        for name, ratio in ratios.items():
            axes.barh(place, ratio - 0.9, left=0.9, height=0.85, color=COLOURS.get(name, OTHERS))
            axes.text(ratio * 1.02, place, f"{name} {ratio:.2f}", va="center", fontsize=7)
            place -= 1
        place -= 1
    axes.set_xscale("log")
    axes.set_xlim(0.9, 2 * max(max(one.values()) for one in figures.values()))
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks([at for at, _ in ticks], [title for _, title in ticks], fontsize=8)
    axes.set_xlabel("time of a step, of the loop by hand (logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
