"""Leyden does what the real package did, but for the decisions in ``differences``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import golden
from tests.oracle.compare import differences
from tests.oracle.differences import DIFFERENCES, expected
from tests.oracle.namespace import Namespace, load
from tests.oracle.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def leyden() -> Namespace:
    return load("leyden")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_leyden_does_what_the_reference_did(scenario: str, leyden: Namespace, tmp_path: Path) -> None:
    needs = SCENARIOS[scenario].needs
    if needs:
        pytest.importorskip(needs)
    wanted = expected(scenario, golden.read(scenario))
    account = differences(wanted, golden.plain(SCENARIOS[scenario](leyden, tmp_path.resolve())))
    decision = f"\n(expected to differ: {DIFFERENCES[scenario].why})" if scenario in DIFFERENCES else ""
    assert not account, f"{scenario}: Leyden differs{decision}\n{account}"
