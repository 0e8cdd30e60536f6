"""Count what packages leave behind after failures: ``python -m tests.failures.survey [leyden pytorch_lightning]``."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.failures.cases import CASES, Case
from tests.failures.cast import Package, load
from tests.failures.program import Account, run
from tests.failures.promises import PROMISES, broken


def survey(package: Package, cases: Iterable[Case]) -> list[Account]:
    """Run cases, each in a folder of its own."""
    found = []
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            found.append(run(package, case, Path(folder)))
    return found


def lines(accounts: Sequence[Account]) -> list[str]:
    """One line a promise, and one for all of them together: kept, of how many it applies to."""
    fired = [account for account in accounts if account.fault.raised]
    rows = []
    for name, promise in PROMISES.items():
        kept = Counter(promise(account) for account in fired)
        rows.append(f"{name:10} {kept[True]:4} of {kept[True] + kept[False]:4}  {promise.__doc__}")
    whole = sum(not broken(account) for account in fired)
    return [
        *rows,
        f"{'all':10} {whole:4} of {len(fired):4}  cases ({len(accounts) - len(fired)} did not fire)",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the survey of some packages."""
    parser = argparse.ArgumentParser(prog="python -m tests.failures.survey", description=__doc__)
    parser.add_argument("packages", nargs="*", default=["leyden", "pytorch_lightning"])
    parser.add_argument("--only", default="", help="run only cases whose id contains this")
    parser.add_argument("--detail", action="store_true", help="list the cases that break a promise")
    options = parser.parse_args(arguments)
    for name in options.packages:
        accounts = survey(load(name), [case for case in CASES if options.only in case.id])
        print(f"{name}: {len(accounts)} failures", *lines(accounts), sep="\n", end="\n\n")
        for account in accounts if options.detail else ():
            if broken(account):
                print(f"  {account.case.id}: {', '.join(broken(account))}; {account.again!r}")


if __name__ == "__main__":
    main()
