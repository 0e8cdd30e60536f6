"""What happens when a module is imported, or the catalogue read, in a fresh interpreter; run by its path.

``probe.py REQUEST REPORT``: both are JSON files. The request holds ``path`` (for ``sys.path``) and ``module``, the
module to import; without a module the catalogue is read. The report is a file so that what is printed can be seen.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any


def read_catalogue() -> dict[str, str]:
    """Read all metadata; states by ``group:distribution:name``."""
    from leyden.plugins.catalogue import catalogue

    return {f"{one.group}:{one.distribution}:{one.name}": one.state for one in catalogue().everything()}


def signals() -> list[str]:
    """The handlers of all signals, as text."""
    import signal

    return [f"{one!r} {signal.getsignal(one)!r}" for one in sorted(signal.valid_signals())]


def probe(module: str | None) -> dict[str, Any]:
    """Do it and say what changed."""
    handlers, environment, threads = signals(), dict(os.environ), threading.active_count()
    states = read_catalogue() if module is None else {}
    if module is not None:
        import_module(module)
    return {
        "states": states,
        "modules": sorted(sys.modules),
        "threads": threading.active_count() - threads,
        "handlers": sorted(set(signals()) - set(handlers)),
        "environment": sorted(name for name, value in os.environ.items() if environment.get(name) != value),
    }


def main(request: str, report: str) -> None:
    """Answer a request."""
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    sys.path[:] = asked["path"]
    Path(report).write_text(json.dumps(probe(asked["module"])), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
