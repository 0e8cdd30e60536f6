"""Count how a package answers bad inputs: ``python -m tests.bad_inputs.survey leyden``.

``clear``: refused before the first step (at the offending one, where nobody can know earlier) with an error
that names the argument or hook and, where it can be shown, the value. ``unclear``: refused, but later or
without them. ``silent``: the program ran through. ``hang``: it was still running when its time was up.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from .case import Case, Control
from .cases import CASES, CONTROLS, SPELLING
from .namespace import Namespace, load
from .outcome import SECONDS, Outcome, run
from .spelling import offered

_COLUMNS = ("clear", "unclear", "silent", "hang", "not offered")
Row = tuple[Case, str, Outcome | None]


def survey(ns: Namespace, cases: Iterable[Case], seconds: float) -> list[Row]:
    """Run every case in a folder of its own."""
    return [_one(ns, case, seconds) for case in cases]


def _one(ns: Namespace, case: Case, seconds: float) -> Row:
    if not all(ns.has(name) for name in case.needs):
        return case, "not offered", None
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(case, ns, Path(folder), seconds)
    return case, outcome.verdict(case), outcome


def broken_controls(ns: Namespace, controls: Iterable[Control], seconds: float) -> list[str]:
    """Good programs that did not run, each with its error."""
    found = []
    for control in controls:
        if all(ns.has(name) for name in control.needs):
            with tempfile.TemporaryDirectory() as folder:
                error = run(control, ns, Path(folder), seconds).error
            found += [f"{control.id}: {type(error).__name__}: {error}"] if error else []
    return found


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: one row a kind of input, one column a verdict."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for case, verdict, _ in rows:
        counts[case.id.split("/")[0]][verdict] += 1
        counts["all"][verdict] += 1
    counts["all"] = counts.pop("all")
    lines = [f"| input | cases | {' | '.join(_COLUMNS)} |", "|---" * (len(_COLUMNS) + 2) + "|"]
    for kind, verdicts in counts.items():
        cells = [verdicts.total(), *(verdicts[column] for column in _COLUMNS)]
        lines.append(f"| {kind} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def detail(row: Row) -> str:
    """One line about one case: verdict, id, flaws and the beginning of the error."""
    case, verdict, outcome = row
    if outcome is None or outcome.error is None:
        return f"{verdict:8} {case.id}  {case.why or ', '.join(case.needs)}"
    error = outcome.error
    flaws = "; ".join(outcome.flaws(case))
    return f"{verdict:8} {case.id}  [{flaws}] {type(error).__name__}: {' '.join(outcome.text.split())[:300]}"


def of_the_unclear(rows: Iterable[Row]) -> str:
    """Why errors were unclear, in one sentence."""
    unclear = [(case, outcome) for case, verdict, outcome in rows if verdict == "unclear" and outcome]
    late = [case for case, outcome in unclear if case.when != "at_step" and outcome.steps]
    named = [case for case, outcome in unclear if case not in late and case.names[0] in outcome.text]
    rest = len(unclear) - len(late) - len(named)
    return (
        f"Of {len(unclear)} unclear: {len(late)} after a step had run, {len(named)} name the argument "
        f"but not the value, {rest} do not name the argument."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the survey of one package; the exit status is 1 if a good program did not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bad_inputs.survey", description=__doc__)
    parser.add_argument("namespace", help="an importable package with Lightning's names")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time allowed to one program")
    parser.add_argument("--only", default="", help="run only cases whose id begins so")
    parser.add_argument("--detail", nargs="*", metavar="VERDICT", help="list the cases with these verdicts")
    options = parser.parse_args(arguments)
    ns = load(options.namespace)
    chosen = [case for case in CASES if case.id.startswith(options.only)]
    broken = broken_controls(ns, CONTROLS if not options.only else (), options.seconds)
    rows = survey(ns, chosen, options.seconds)
    spelled = survey(ns, SPELLING if not options.only else (), options.seconds)
    for row in [*rows, *spelled]:
        if options.detail is not None and (row[1] in options.detail or not options.detail):
            print(detail(row))
    print(table(rows))
    print(of_the_unclear(rows))
    right = sum(outcome is not None and offered(case, outcome.text) for case, _, outcome in spelled)
    print(f"Misspelled keywords: {len(spelled)}, answered with the right spelling: {right}.")
    print(f"Good programs that did not run: {len(broken)}.", *broken, sep="\n")
    return int(bool(broken))


if __name__ == "__main__":
    raise SystemExit(main())
