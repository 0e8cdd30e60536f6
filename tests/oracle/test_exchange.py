"""A run that one package saved, the other goes on with, as the package that saved it would have."""

from __future__ import annotations

from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.oracle import golden
from tests.oracle.bench import Result, run
from tests.oracle.compare import differences
from tests.oracle.differences import expected
from tests.oracle.namespace import REFERENCE, Namespace, load
from tests.oracle.scenarios.resuming import resume_second, save_first


@pytest.fixture(scope="module")
def reference() -> Namespace:
    try:
        version(REFERENCE.replace("_", "-"))
    except PackageNotFoundError:
        pytest.skip("pytorch-lightning is not installed")
    return load(REFERENCE)


@pytest.fixture(scope="module")
def leyden() -> Namespace:
    return load("leyden")


def _resume(saved_by: Namespace, resumed_by: Namespace, folder: Path) -> Result:
    folder.mkdir()
    run(saved_by, folder, save_first)
    return golden.plain(run(resumed_by, folder, partial(resume_second, path=folder / "file.ckpt")))


def test_leyden_resumes_what_the_reference_saved(
    reference: Namespace, leyden: Namespace, tmp_path: Path
) -> None:
    wanted = _resume(reference, reference, tmp_path / "wanted")
    account = differences(
        expected("resume_after_fit", wanted), _resume(reference, leyden, tmp_path / "actual")
    )
    assert not account, account


def test_reference_resumes_what_leyden_saved(reference: Namespace, leyden: Namespace, tmp_path: Path) -> None:
    wanted = _resume(reference, reference, tmp_path / "wanted")
    account = differences(wanted, _resume(leyden, reference, tmp_path / "actual"))
    assert not account, account
