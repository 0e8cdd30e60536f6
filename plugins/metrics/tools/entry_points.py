"""Write the entry points of ``pyproject.toml``: one for each metric of the installed torchmetrics."""

from __future__ import annotations

import inspect
from pathlib import Path

import torchmetrics
from torchmetrics import Metric, MetricCollection, MetricTracker

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
HEADER = '[project.entry-points."leyden.metrics"]'
CONTAINERS = (MetricCollection, MetricTracker)


def names() -> list[str]:
    """The public classes of torchmetrics that are metrics or hold metrics."""
    public = {name: getattr(torchmetrics, name) for name in torchmetrics.__all__}
    classes = {name: one for name, one in public.items() if inspect.isclass(one)}
    return sorted(name for name, one in classes.items() if issubclass(one, (Metric, *CONTAINERS)))


def table() -> str:
    """The entry points as TOML."""
    return "\n".join([HEADER, *(f'{name} = "leyden_metrics:{name}"' for name in names()), ""])


def main() -> None:
    """Replace the table in ``pyproject.toml``."""
    before, _, rest = PYPROJECT.read_text(encoding="utf-8").partition(HEADER)
    after = rest.partition("\n\n")[2]
    PYPROJECT.write_text(f"{before}{table()}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
