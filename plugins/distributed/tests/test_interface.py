"""By which interface a machine reaches another."""

from __future__ import annotations

import sys

import pytest

from leyden_distributed.environment import interface_to


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "nowhere.invalid"])
def test_the_machine_itself_and_the_unknown_have_none(host: str) -> None:
    assert interface_to(host) is None


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_it_is_the_one_with_the_address_that_the_route_begins_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that every machine has is taken here, too."""
    monkeypatch.setattr("leyden_distributed.environment.LOOPBACK", "no address begins so")
    assert interface_to("127.0.0.1") == "lo"
