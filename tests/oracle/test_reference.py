"""The stored sequences are what the real package does."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.oracle import golden
from tests.oracle.compare import differences
from tests.oracle.namespace import REFERENCE, Namespace, load
from tests.oracle.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def reference() -> Namespace:
    try:
        version(REFERENCE.replace("_", "-"))
    except PackageNotFoundError:
        pytest.skip("pytorch-lightning is not installed")
    return load(REFERENCE)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_golden_is_what_the_reference_does(scenario: str, reference: Namespace, tmp_path: Path) -> None:
    needs = SCENARIOS[scenario].needs
    if needs:
        pytest.importorskip(needs)
    wanted = golden.read(scenario)
    source = f"{REFERENCE} {version(REFERENCE.replace('_', '-'))}"
    if wanted["source"] != source:
        pytest.skip(f"recorded from {wanted['source']}, installed is {source}")
    account = differences(wanted, golden.plain(SCENARIOS[scenario](reference, tmp_path.resolve())))
    assert not account, f"{scenario}: {source} no longer does what was recorded\n{account}"
