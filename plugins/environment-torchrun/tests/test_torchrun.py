from __future__ import annotations

import pytest

from leyden.api.component_choice import detected_environment
from leyden.errors import ConfigurationError
from leyden.testing import EnvironmentContract
from leyden_environment_torchrun import TorchElasticEnvironment

VARIABLES = {
    "TORCHELASTIC_RUN_ID": "job",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "29500",
    "WORLD_SIZE": "8",
    "RANK": "5",
    "LOCAL_RANK": "1",
    "GROUP_RANK": "2",
    "LOCAL_WORLD_SIZE": "2",
    "TORCHELASTIC_RESTART_COUNT": "1",
}


class TestContract(EnvironmentContract):
    entry_point = "torchelastic"
    variables = VARIABLES

    @pytest.fixture(autouse=True)
    def _launched(self, launched: None) -> None:
        """The variables are always there."""


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("launched")
def test_it_is_taken_where_it_finds_itself() -> None:
    found = detected_environment()
    assert isinstance(found, TorchElasticEnvironment)
    assert (found.main_address, found.main_port, found.restarts()) == ("10.0.0.1", 29500, 1)
    assert found.creates_processes_externally


@pytest.mark.usefixtures("launched")
def test_devices_and_nodes_must_be_those_of_torchrun() -> None:
    environment = TorchElasticEnvironment()
    environment.validate_settings(2, 4)
    with pytest.raises(ConfigurationError, match=r"devices=1 .*8 processes.*devices=2 and num_nodes=4"):
        environment.validate_settings(1, 4)


def test_ranks_are_torchruns_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "5")
    environment = TorchElasticEnvironment()
    environment.set_global_rank(1)
    environment.set_world_size(1)
    assert environment.global_rank() == 5


def test_without_torchrun_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ConfigurationError, match="RANK.*torchrun"):
        TorchElasticEnvironment().global_rank()
