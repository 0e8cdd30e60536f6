"""``ModelParallelStrategy``: the module says in ``configure_model`` how it is parallel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, FullyShardedDataParallel

from leyden import LightningModule
from leyden.errors import ConfigurationError, DetachedError
from leyden_distributed.strategy import DEFAULT_TIMEOUT
from leyden_strategy_fsdp.sharded import ShardedStrategy, keep_name


class ModelParallelStrategy(ShardedStrategy):
    """Gives the module a ``device_mesh`` of two dimensions, ``data_parallel`` and ``tensor_parallel``.

    ``configure_model`` applies ``parallelize_module`` and ``fully_shard`` with their parts of the mesh. Processes that
    differ in the second dimension alone get the same batches.

    Args:
        data_parallel_size: the first dimension; ``"auto"`` is the number of nodes.
        tensor_parallel_size: the second dimension; ``"auto"`` is the number of devices of a node.
        save_distributed_checkpoint: all processes write a folder of shards; else rank zero writes one file.
        process_group_backend: torch's name of what transports tensors; by default nccl on CUDA, gloo on the CPU.
        timeout: how long a collective may take.
        start_method: as of ``DDPStrategy``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        data_parallel_size: Literal["auto"] | int = "auto",
        tensor_parallel_size: Literal["auto"] | int = "auto",
        save_distributed_checkpoint: bool = True,
        process_group_backend: str | None = None,
        timeout: timedelta | None = DEFAULT_TIMEOUT,
        *,
        start_method: str = "popen",
    ) -> None:
        super().__init__(
            process_group_backend=process_group_backend, timeout=timeout, start_method=start_method
        )
        self._data_parallel_size = _size("data_parallel_size", data_parallel_size)
        self._tensor_parallel_size = _size("tensor_parallel_size", tensor_parallel_size)
        self.writes_shards = save_distributed_checkpoint
        self._device_mesh: DeviceMesh | None = None

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh of all processes; in a run."""
        if self._device_mesh is None:
            raise DetachedError("There is no device mesh before processes have found each other, in a run.")
        return self._device_mesh

    @property
    def distributed_sampler_kwargs(self) -> dict[str, int]:
        mesh = self.device_mesh["data_parallel"]
        return {"num_replicas": mesh.size(), "rank": mesh.get_local_rank()}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_device_mesh": None}

    def setup_environment(self) -> None:
        super().setup_environment()
        data: int = self.num_nodes if self._data_parallel_size == "auto" else self._data_parallel_size
        tensor: int = (
            len(self.devices) if self._tensor_parallel_size == "auto" else self._tensor_parallel_size
        )
        if data * tensor != self.world_size:
            raise ConfigurationError(
                f"data_parallel_size={data} and tensor_parallel_size={tensor} need {data * tensor} processes, and "
                f"there are {self.world_size}."
            )
        with self.making_groups():
            self._device_mesh = init_device_mesh(
                self.root_device.type, (data, tensor), mesh_dim_names=("data_parallel", "tensor_parallel")
            )

    def setup(self, module: nn.Module) -> nn.Module:
        """Place what ``configure_model`` made parallel; parameters on the meta device get memory and values."""
        if isinstance(module, LightningModule) and not _configures(module):
            raise ConfigurationError(
                f"{type(module).__name__} does not define configure_model, in which ModelParallelStrategy has it made "
                "parallel, with self.device_mesh."
            )
        if any(isinstance(one, FullyShardedDataParallel) for one in module.modules()):
            raise ConfigurationError(
                "The module holds FullyShardedDataParallel: use fully_shard with ModelParallelStrategy."
            )
        for one in module.modules():
            if isinstance(one, FSDPModule):
                keep_name(one)
        self.module = self.precision.convert_module(module)
        self._materialize()
        self.module.to(self.root_device)
        self.model = self.module
        return module

    def _materialize(self) -> None:
        for path, one in self.module.named_modules():
            own = [*one._parameters.values(), *one._buffers.values()]
            if not any(each is not None and each.is_meta for each in own):
                continue
            reset = getattr(one, "reset_parameters", None)
            if not callable(reset):
                raise ConfigurationError(
                    f"{path or 'The module'} ({type(one).__name__}) has parameters on the meta device and no method "
                    "reset_parameters that fills them."
                )
            one.to_empty(device=self.root_device, recurse=False)
            with torch.no_grad():
                reset()


def _configures(module: LightningModule) -> bool:
    return type(module).configure_model is not LightningModule.configure_model


def _size(name: str, given: Any) -> Any:
    if given != "auto" and (type(given) is not int or given < 1):
        raise ConfigurationError.about(name, given, "'auto' or an int of at least 1")
    return given
