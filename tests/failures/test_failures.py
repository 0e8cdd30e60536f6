"""After any failure, anywhere, the promises hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.failures.cases import CASES, Case
from tests.failures.cast import Package, load
from tests.failures.program import Account, run
from tests.failures.promises import PROMISES, broken


@pytest.fixture(scope="module")
def leyden() -> Package:
    return load("leyden")


def _told(account: Account) -> str:
    return f"{account.reached!r} {getattr(account.reached, '__notes__', '')} {account.again!r}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_promises_hold_after(case: Case, leyden: Package, tmp_path: Path) -> None:
    account = run(leyden, case, tmp_path)
    assert broken(account) == [], _told(account)


def test_a_failure_that_leaves_something_behind_is_seen(leyden: Package, tmp_path: Path) -> None:
    account = run(leyden, CASES[0], tmp_path)
    account.reached, account.interrupted, account.again = None, False, ValueError()
    account.signals = account.calm = account.training = False
    account.fault.error.__notes__ = []
    for seen in account.witnesses:
        seen.down, seen.told = 2, []
    account.loggers = [(True, [])]
    assert broken(account) == list(PROMISES)
    account.fault.raised = 0
    assert broken(account) == ["fired"]
