"""Installed plugins without step hooks change nothing in a step."""

from __future__ import annotations

from leyden.testing import FakeDists
from tests.benchmarks import calls, plugins


def test_two_hundred_installed_plugins_add_no_call_to_a_step(fake_dist: FakeDists) -> None:
    bare = calls.of("leyden")
    plugins.install(fake_dist)
    assert calls.of("leyden") == bare
