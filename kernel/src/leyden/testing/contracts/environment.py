"""The contract of cluster environments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from leyden.testing.contracts.base import EntryContract


class EnvironmentContract(EntryContract):
    """A ``ClusterEnvironment`` of ``leyden.environments``.

    Attributes:
        variables: the environment variables of process 5 of 8, the second on the third of four machines, as the
            launcher sets them; empty when it sets none.
        detects: whether it recognises itself by them; others are passed to the Trainer.
        expected: what follows from them; override for another layout.
    """

    group: ClassVar[str] = "leyden.environments"
    variables: ClassVar[Mapping[str, str]] = {}
    detects: ClassVar[bool] = True
    expected: ClassVar[Mapping[str, int]] = {
        "world_size": 8,
        "global_rank": 5,
        "local_rank": 1,
        "node_rank": 2,
    }

    @pytest.fixture
    def launched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variables are set."""
        for name, value in self.variables.items():
            monkeypatch.setenv(name, value)

    def test_detects_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """``detect`` is true where the variables are set and false where they are not."""
        made = self.entry().load()
        if self.variables:
            for name in self.variables:
                monkeypatch.delenv(name, raising=False)
            assert made.detect() is False
            for name, value in self.variables.items():
                monkeypatch.setenv(name, value)
            assert made.detect() is self.detects
        assert isinstance(made.detect(), bool)

    @pytest.mark.usefixtures("launched")
    def test_knows_its_place(self) -> None:
        """Ranks and sizes are those of the variables."""
        if self.variables:
            made: Any = self.make()
            assert {name: getattr(made, name)() for name in self.expected} == dict(self.expected)

    @pytest.mark.usefixtures("launched")
    def test_ranks_fit_together(self) -> None:
        """Ranks are numbers in range, and the address is complete."""
        made = self.make()
        assert 0 <= made.global_rank() < made.world_size()
        assert 0 <= made.local_rank() <= made.global_rank()
        assert 0 <= made.node_rank() <= made.global_rank()
        assert isinstance(made.main_address, str) and made.main_address
        assert isinstance(made.main_port, int) and 0 < made.main_port < 65536
        assert isinstance(made.creates_processes_externally, bool)
        assert isinstance(made.priority, int)

    @pytest.mark.usefixtures("launched")
    def test_teardown_undoes(self) -> None:
        """What it set in the process's environment is gone after ``teardown``, which can be repeated."""
        before = dict(os.environ)
        made = self.make()
        made.main_port  # noqa: B018
        made.teardown()
        made.teardown()
        assert {name: one for name, one in os.environ.items() if name != "PYTEST_CURRENT_TEST"} == {
            name: one for name, one in before.items() if name != "PYTEST_CURRENT_TEST"
        }
