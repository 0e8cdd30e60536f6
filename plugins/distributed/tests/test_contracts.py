from __future__ import annotations

import pytest

from leyden.testing import EnvironmentContract, OptionContract
from leyden_distributed import LightningEnvironment


class TestEnvironment(EnvironmentContract):
    entry_point = "lightning"


class TestSyncBatchNorm(OptionContract):
    entry_point = "sync_batchnorm"
    good = (False, True)  # the first one is what runs get: True needs GPUs
    bad = ("yes", 1.5)


def test_ranks_follow_from_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    environment = LightningEnvironment()
    assert not environment.creates_processes_externally
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setenv("NODE_RANK", "2")
    assert environment.creates_processes_externally
    assert (environment.local_rank(), environment.node_rank()) == (3, 2)
    environment.set_global_rank(11)
    environment.set_world_size(12)
    assert (environment.global_rank(), environment.world_size()) == (11, 12)


def test_the_port_is_free_or_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_PORT", raising=False)
    environment = LightningEnvironment()
    assert environment.main_port == environment.main_port > 1023
    monkeypatch.setenv("MASTER_PORT", "4711")
    assert LightningEnvironment().main_port == 4711
    monkeypatch.delenv("MASTER_PORT")
    monkeypatch.setenv("STANDALONE_PORT", "4712")
    assert LightningEnvironment().main_port == 4712
