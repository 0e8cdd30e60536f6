"""``plugin-template/`` is what ``leyden plugins new`` writes; ``python -m kernel.tests.cli.generated`` does it anew."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from leyden.cli import main

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "plugin-template"


def template_arguments(folder: Path) -> list[str]:
    """The command line whose output, in a folder, is the template."""
    given = ["--entry-point", "stopwatch", "--author", "The Leyden authors", "--path", str(folder)]
    return ["leyden-plugin-template", *given]


def write() -> int:
    """Replace the template."""
    with tempfile.TemporaryDirectory() as folder:
        status = main(["plugins", "new", *template_arguments(Path(folder))])
        if status == 0:
            shutil.rmtree(TEMPLATE)
            shutil.copytree(Path(folder, "leyden-plugin-template"), TEMPLATE)
    return status


if __name__ == "__main__":
    sys.exit(write())
