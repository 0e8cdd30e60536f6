"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.environment import ClusterEnvironment as ClusterEnvironment
from leyden_distributed.environment import LightningEnvironment as LightningEnvironment
from leyden_environment_kubeflow import KubeflowEnvironment as KubeflowEnvironment
from leyden_environment_lsf import LSFEnvironment as LSFEnvironment
from leyden_environment_mpi import MPIEnvironment as MPIEnvironment
from leyden_environment_slurm.environment import SLURMEnvironment as SLURMEnvironment
from leyden_environment_torchrun import TorchElasticEnvironment as TorchElasticEnvironment
from leyden_strategy_ray.environment import RayEnvironment as RayEnvironment
from leyden_strategy_xla.environment import XLAEnvironment as XLAEnvironment

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
