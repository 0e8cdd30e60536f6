"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.strategy import Strategy as Strategy
from leyden_distributed.sampling import shard as shard
from leyden_strategy_ddp import DDPStrategy as DDPStrategy
from leyden_strategy_deepspeed import DeepSpeedStrategy as DeepSpeedStrategy
from leyden_strategy_fsdp import FSDPStrategy as FSDPStrategy
from leyden_strategy_model_parallel import ModelParallelStrategy as ModelParallelStrategy
from leyden_strategy_ray import RayStrategy as RayStrategy
from leyden_strategy_single_device import SingleDeviceStrategy as SingleDeviceStrategy
from leyden_strategy_xla import SingleDeviceXLAStrategy as SingleDeviceXLAStrategy
from leyden_strategy_xla import XLAStrategy as XLAStrategy

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
