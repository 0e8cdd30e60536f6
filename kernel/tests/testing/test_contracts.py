"""The contracts catch what they are there to catch: plugins that are broken on purpose fail, the others pass."""

from __future__ import annotations

import builtins
import os
import signal
import subprocess
from collections.abc import Iterator
from importlib import import_module
from typing import IO, Any

import pytest
import torch
from kernel.tests.testing.mutants import FAMILIES, MUTANTS, Family

from leyden import testing
from leyden.testing import FakeDists

pytest_plugins = ["pytester"]

TEST = """
from leyden.testing import {contract}

class TestContract({contract}):
    entry_point = {name!r}
    {body}
"""


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everything that runs use is imported before pytester, which takes away what is imported inside it."""
    for name in testing.__all__:
        getattr(testing, name)
    for name in ("leyden.cli.app", "leyden.testing.wanted", "leyden.testing.fresh"):
        import_module(name)
    testing.Runner(tmp_path_factory.mktemp("warm"))("fit", "validate", "test", "predict", allowed=()).ok()


@pytest.fixture
def aftermath(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undoes what broken plugins leave behind: processes, open files, settings."""
    children: list[subprocess.Popen[bytes]] = []
    files: list[IO[Any]] = []
    original = open

    def recorded(*args: Any, **kwargs: Any) -> IO[Any]:
        files.append(original(*args, **kwargs))
        return files[-1]

    monkeypatch.setattr("leyden.testing.footprint.GRACE", 0.01)
    monkeypatch.setattr(builtins, "open", recorded)
    monkeypatch.setattr(pytest, "acme_children", children, raising=False)
    handler = signal.getsignal(signal.SIGUSR2)
    yield
    os.environ.pop("ACME", None)
    os.environ.pop("ACME_PORT", None)
    signal.signal(signal.SIGUSR2, handler)
    torch.set_default_dtype(torch.float32)
    for child in children:
        child.kill()
        child.wait()
    for file in files:
        file.close()


def install(
    fake_dist: FakeDists, family: Family, source: str, entry: str = "", requires: tuple[str, ...] = ()
) -> None:
    """Install a plugin of a family, and a neighbour that it does not require."""
    value = entry or f"acme_plugin:{family.attribute}"
    fake_dist("acme-plugin", {family.group: {family.name: value}}, {"acme_plugin": source}, requires=requires)
    neighbour = {"leyden.plugins": {"neighbour": "acme_neighbour:Neighbour"}}
    source = "class Neighbour:\n    def on_train_start(self): pass"
    fake_dist("acme-neighbour", neighbour, {"acme_neighbour": source}, requires=["leyden-kernel~=0.1.0"])


def failures(pytester: pytest.Pytester, family: Family, only: str = "test_") -> tuple[set[str], int]:
    """Run the contract, or one of its tests; returns the names of the tests that failed, and how many passed."""
    pytester.makepyfile(
        test_it=TEST.format(contract=family.contract, name=family.name, body=family.body or "pass")
    )
    record = pytester.inline_run("-q", "-pno:cacheprovider", "-pno:xdist", "--tb=short", "-k", only)
    passed, _, failed = record.listoutcomes()
    return {one.nodeid.rpartition("::")[2].partition("[")[0] for one in failed}, len(passed)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_good_plugin_keeps_its_contract(name: str, pytester: pytest.Pytester, fake_dist: FakeDists) -> None:
    install(fake_dist, FAMILIES[name], FAMILIES[name].source, requires=("leyden-kernel~=0.1.0",))
    failed, passed = failures(pytester, FAMILIES[name])
    assert failed == set()
    assert passed >= 10


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.usefixtures("aftermath")
def test_a_broken_plugin_is_caught(name: str, pytester: pytest.Pytester, fake_dist: FakeDists) -> None:
    mutant = MUTANTS[name]
    install(fake_dist, FAMILIES[mutant.family], mutant.source(), mutant.entry, mutant.requires)
    failed, _ = failures(pytester, FAMILIES[mutant.family], mutant.caught_by)
    assert failed == {mutant.caught_by}
