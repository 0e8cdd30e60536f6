from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import EnvironmentContract, StrategyContract

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.mark.multiprocess
@pytest.mark.usefixtures("ray_session")
class TestRayStrategy(StrategyContract):
    entry_point = "ray"
    processes: ClassVar[int] = 2
    leaves: ClassVar[tuple[str, ...]] = ("thread", "open")  # Ray's own, which live as long as it does


class TestRayEnvironment(EnvironmentContract):
    entry_point = "ray"
