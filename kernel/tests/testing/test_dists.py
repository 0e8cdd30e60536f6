"""fake_dist: distributions that look installed."""

from __future__ import annotations

import sys
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from leyden.errors import PluginBrokenError, PluginConflictError, PluginNotFoundError
from leyden.plugins import catalogue, find, resolve
from leyden.testing import FakeDists

GROUP = "leyden.callbacks"
ENTRY = {GROUP: {"acme": "acme_thing:Thing"}}
SOURCE = """
    class Thing:
        value = 7
"""


def test_it_is_found_and_loaded(fake_dist: FakeDists) -> None:
    fake_dist("acme-thing", ENTRY, {"acme_thing": SOURCE}, version="2.5", requires=["leyden-kernel~=0.1.0"])
    entry = find("callbacks", "acme")
    assert (entry.distribution, entry.version, entry.state) == ("acme-thing", "2.5", "found")
    assert resolve("callbacks", "acme").value == 7
    assert version("acme-thing") == "2.5"
    assert distribution("acme-thing").requires == ["leyden-kernel~=0.1.0"]


def test_its_files_are_recorded(fake_dist: FakeDists) -> None:
    modules = {"acme_thing": "", "acme_thing.part": SOURCE}
    made = fake_dist("acme-thing", {GROUP: {"acme": "acme_thing.part:Thing"}}, modules)
    files = [str(file) for file in distribution("acme-thing").files or []]
    assert {"acme_thing/__init__.py", "acme_thing/part.py"} < set(files)
    assert all((made.folder / file).is_file() for file in files)
    assert resolve("callbacks", "acme").value == 7


def test_it_can_be_uninstalled(fake_dist: FakeDists) -> None:
    made = fake_dist("acme-thing", ENTRY, {"acme_thing": SOURCE})
    resolve("callbacks", "acme")
    made.uninstall()
    made.uninstall()
    assert "acme_thing" not in sys.modules
    with pytest.raises(PluginNotFoundError):
        find("callbacks", "acme")


def test_everything_is_undone(tmp_path: Path) -> None:
    path, modules = list(sys.path), set(sys.modules)
    with FakeDists(tmp_path) as dists:
        dists("acme-thing", ENTRY, {"acme_thing": SOURCE})
        resolve("callbacks", "acme")
    assert (list(sys.path), set(sys.modules) - modules) == (path, set())
    assert not catalogue().named(GROUP, "acme")


def test_two_versions_and_two_owners(fake_dist: FakeDists) -> None:
    fake_dist("acme-one", ENTRY, {"acme_thing": SOURCE})
    fake_dist("acme-two", ENTRY, {"acme_thing": SOURCE})
    with pytest.raises(PluginConflictError, match=r"acme-one.*acme-two"):
        find("callbacks", "acme")
    assert find("callbacks", "acme-two:acme").distribution == "acme-two"


def test_a_broken_one_is_broken(fake_dist: FakeDists) -> None:
    fake_dist("acme-thing", ENTRY, {"acme_thing": "raise SystemExit('gone')"})
    with pytest.raises(PluginBrokenError, match=r"acme-thing 1\.0"):
        resolve("callbacks", "acme")
    assert find("callbacks", "acme").state == "broken"


def test_an_incompatible_one_is_incompatible(fake_dist: FakeDists) -> None:
    fake_dist("acme-thing", ENTRY, {"acme_thing": SOURCE}, requires=["leyden-kernel>=99"])
    assert find("callbacks", "acme").state == "incompatible"
