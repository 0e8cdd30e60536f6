from __future__ import annotations

import socket
from pathlib import Path

import pytest

from leyden.errors import ConfigurationError
from leyden.testing import EnvironmentContract
from leyden_environment_lsf import LSFEnvironment

VARIABLES = {
    "LSB_JOBID": "1234567",
    "LSB_DJOB_RANKFILE": "ranks",
    "JSM_NAMESPACE_LOCAL_RANK": "1",
    "JSM_NAMESPACE_SIZE": "8",
    "JSM_NAMESPACE_RANK": "5",
}


def rank_file(folder: Path, *hosts: str) -> Path:
    path = folder / "ranks"
    path.write_text("\n".join(["launching", *hosts]) + "\n")
    return path


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    monkeypatch.chdir(tmp_path)
    return rank_file(tmp_path, "a", "a", "b", "b", socket.gethostname(), socket.gethostname())


class TestContract(EnvironmentContract):
    entry_point = "lsf"
    variables = VARIABLES

    @pytest.fixture(autouse=True)
    def _in_a_job(self, job: Path) -> None:
        """There is a rank file, in the test's folder."""


@pytest.mark.usefixtures("job")
def test_machines_are_counted_in_the_order_of_the_rank_file() -> None:
    environment = LSFEnvironment()
    assert (environment.main_address, environment.node_rank()) == ("a", 2)
    assert environment.main_port == 10567


def test_a_port_may_be_given(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_PORT", "4711")
    assert LSFEnvironment().main_port == 4711


def test_a_machine_that_is_not_there(job: Path) -> None:
    rank_file(job.parent, "a", "b")
    with pytest.raises(ConfigurationError, match="does not stand in LSB_DJOB_RANKFILE, which names a, b"):
        LSFEnvironment()


def test_an_empty_rank_file(job: Path) -> None:
    rank_file(job.parent)
    with pytest.raises(ConfigurationError, match="names no machine"):
        LSFEnvironment()


def test_without_a_job_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LSB_DJOB_RANKFILE", raising=False)
    assert not LSFEnvironment.detect()
    with pytest.raises(ConfigurationError, match="Start the program with jsrun"):
        LSFEnvironment()


@pytest.mark.usefixtures("job")
def test_devices_and_nodes_must_be_those_of_jsrun() -> None:
    LSFEnvironment().validate_settings(2, 4)
    with pytest.raises(ConfigurationError, match="jsrun's 8 processes"):
        LSFEnvironment().validate_settings(4, 4)
