from __future__ import annotations

from typing import Any, ClassVar

import pytest
from torch.distributed.fsdp import FSDPModule, fully_shard

from leyden.testing import StrategyContract
from leyden_strategy_model_parallel import ModelParallelStrategy


def sharded(module: Any) -> None:
    """A ``configure_model``."""
    if not isinstance(module, FSDPModule):
        fully_shard(module, mesh=module.device_mesh["data_parallel"])


@pytest.mark.multiprocess
class TestContract(StrategyContract):
    entry_point = "model_parallel"
    processes: ClassVar[int] = 2

    def make(self) -> ModelParallelStrategy:
        return ModelParallelStrategy(2, 1, save_distributed_checkpoint=False, start_method="fork")

    def make_alone(self) -> ModelParallelStrategy:
        return ModelParallelStrategy(1, 1)

    def prepared(self, module: Any) -> Any:
        cls = type(module)
        module.__class__ = type(cls.__name__, (cls,), {"configure_model": sharded})
        return module
