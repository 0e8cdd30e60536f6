"""MPI itself is a stand-in: a communicator of one of eight processes on four machines."""

from __future__ import annotations

import socket
import sys
from types import ModuleType
from typing import Any

import pytest

from leyden.errors import ConfigurationError
from leyden.testing import EnvironmentContract
from leyden_environment_mpi import MPIEnvironment


class World:
    """What rank ``rank`` of ``hosts`` sees."""

    def __init__(self, rank: int, hosts: list[str]) -> None:
        self.rank, self.hosts = rank, hosts
        self.colours: list[int] = []

    def Get_size(self) -> int:
        return len(self.hosts)

    def Get_rank(self) -> int:
        return self.rank

    def bcast(self, value: Any, root: int) -> Any:
        assert root == 0
        return (self.hosts[0], 4711)

    def allgather(self, value: Any) -> list[str]:
        return self.hosts

    def Split(self, color: int) -> World:
        self.colours.append(color)
        mine = [i for i, host in enumerate(self.hosts) if host == self.hosts[self.rank]]
        return World(mine.index(self.rank), [self.hosts[i] for i in mine])


def put(monkeypatch: pytest.MonkeyPatch, world: World | None) -> None:
    package, module = ModuleType("mpi4py"), ModuleType("mpi4py.MPI")
    vars(module).update(COMM_WORLD=world)
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", module if world is not None else None)  # type: ignore[arg-type]


def eight() -> World:
    here = socket.gethostname()
    return World(5, [f"{here}-a"] * 2 + [f"{here}-b"] * 2 + [here] * 2 + [f"{here}-c"] * 2)


class TestContract(EnvironmentContract):
    entry_point = "mpi"

    @pytest.fixture(autouse=True)
    def _mpi(self, monkeypatch: pytest.MonkeyPatch) -> None:
        put(monkeypatch, eight())


def test_ranks_are_those_of_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    world = eight()
    put(monkeypatch, world)
    assert MPIEnvironment.detect()
    environment = MPIEnvironment()
    assert (environment.world_size(), environment.global_rank()) == (8, 5)
    assert (environment.local_rank(), environment.node_rank()) == (1, 0)
    assert world.colours == [0]
    assert (environment.main_address, environment.main_port) == (world.hosts[0], 4711)


def test_one_process_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, World(0, ["here"]))
    assert not MPIEnvironment.detect()


def test_without_mpi4py_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, None)
    assert not MPIEnvironment.detect()
    with pytest.raises(ConfigurationError, match="pip install mpi4py"):
        MPIEnvironment()


def test_devices_and_nodes_must_be_those_of_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, eight())
    MPIEnvironment().validate_settings(2, 4)
    with pytest.raises(ConfigurationError, match="MPI's 8 processes"):
        MPIEnvironment().validate_settings(1, 4)


def test_a_library_that_is_missing_counts_as_no_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, eight())
    monkeypatch.setattr("leyden_environment_mpi.import_module", _failing)
    assert not MPIEnvironment.detect()


def _failing(name: str) -> Any:
    raise RuntimeError("cannot load MPI library")
