from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.errors import ConfigurationError
from leyden.testing import EnvironmentContract
from leyden_environment_kubeflow import KubeflowEnvironment

VARIABLES = {"MASTER_ADDR": "job-master-0", "MASTER_PORT": "23456", "WORLD_SIZE": "8", "RANK": "5"}


class TestContract(EnvironmentContract):
    entry_point = "kubeflow"
    variables = VARIABLES
    detects: ClassVar[bool] = False
    expected: ClassVar[dict[str, int]] = {"world_size": 8, "global_rank": 5, "local_rank": 0, "node_rank": 5}

    @pytest.fixture(autouse=True)
    def _launched(self, launched: None) -> None:
        """The variables are always there."""


def test_every_pod_is_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    environment = KubeflowEnvironment()
    environment.validate_settings(1, 8)
    with pytest.raises(ConfigurationError, match="Write devices=1 and num_nodes=8"):
        environment.validate_settings(2, 2)
    assert (environment.main_address, environment.main_port) == ("job-master-0", 23456)


def test_outside_of_a_job_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ConfigurationError, match="RANK, which the PyTorchJob operator sets"):
        KubeflowEnvironment().global_rank()
