from __future__ import annotations

from typing import ClassVar

import pytest

from leyden.testing import EnvironmentContract, StrategyContract
from leyden_strategy_ray import RayEnvironment
from leyden_strategy_ray.environment import Place

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.mark.multiprocess
@pytest.mark.usefixtures("ray_session")
class TestRayStrategy(StrategyContract):
    entry_point = "ray"
    processes: ClassVar[int] = 2
    leaves: ClassVar[tuple[str, ...]] = ("thread", "open")  # Ray's own, which live as long as it does


class TestRayEnvironment(EnvironmentContract):
    entry_point = "ray"

    def make(self) -> RayEnvironment:
        return RayEnvironment(Place(1, 1, 0, 2, 2, "127.0.0.1", 29500))
