"""``python -m tests.oracle.record``: write down what the real package does, or check that it still does."""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path

from tests.oracle import golden
from tests.oracle.bench import Result
from tests.oracle.compare import differences
from tests.oracle.differences import expected
from tests.oracle.namespace import REFERENCE, Namespace, load
from tests.oracle.scenarios import SCENARIOS


def observe(ns: Namespace, scenario: str) -> Result:
    """Run ``scenario`` in ``ns``, in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return golden.plain(SCENARIOS[scenario](ns, Path(folder).resolve()))


def check(ns: Namespace, scenario: str) -> bool:
    """Compare ``scenario`` in ``ns`` with what is stored, and print the difference."""
    wanted = golden.read(scenario)
    try:
        account = differences(
            wanted if ns.name == REFERENCE else expected(scenario, wanted), observe(ns, scenario)
        )
    except Exception:
        account = f"the scenario itself failed\n{traceback.format_exc(limit=-4)}"
    print(f"{'differs' if account else 'same   '} {scenario}", account, sep="\n" if account else "")
    return not account


def record(ns: Namespace, scenario: str) -> bool:
    """Store what ``ns`` does in ``scenario``."""
    source = f"{ns.name} {version(ns.name.replace('_', '-'))}"
    golden.write(scenario, observe(ns, scenario), source)
    print(f"stored  {scenario}")
    return True


def main(arguments: list[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.record", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", metavar="scenario", help="names; all of them when none is given"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the stored files and write nothing"
    )
    parser.add_argument("--against", metavar="PACKAGE", help="compare this package (implies --check)")
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios")
    options = parser.parse_args(arguments)
    unknown = set(options.scenarios) - SCENARIOS.keys()
    if unknown:
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}; --list shows the names")
    if options.list:
        print(*SCENARIOS, sep="\n")
        return 0
    ns = load(options.against or REFERENCE)
    act = check if options.check or options.against else record
    return 0 if all([act(ns, name) for name in options.scenarios or SCENARIOS]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
