"""``XLAStrategy``: a process for each XLA device, gradients averaged by XLA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn

from leyden.errors import ConfigurationError
from leyden.interfaces import Accelerator, CheckpointIO, Precision
from leyden_accelerator_xla.engine import engine
from leyden_distributed.collectives import broadcast
from leyden_distributed.launch import Launcher
from leyden_distributed.strategy import DEFAULT_TIMEOUT, ParallelStrategy
from leyden_strategy_xla.device import OnXLA, check_precision
from leyden_strategy_xla.environment import XLAEnvironment
from leyden_strategy_xla.launcher import XLALauncher

CPU = torch.device("cpu")
OPERATIONS = {"sum": "sum", "mean": "sum", "avg": "sum", "min": "min", "max": "max", "product": "mul"}


class XLAStrategy(OnXLA, ParallelStrategy):
    """Each process trains a replica of the module on an XLA device; ``torch_xla.launch`` starts the processes.

    Tensors are reduced and gathered by XLA. Objects, the points where processes meet and the news of a failure go
    through a gloo group of the same processes, as with every strategy of several processes.

    Args:
        accelerator: the hardware; then the Trainer must not be given another.
        parallel_devices: the devices of this machine; by default those of the Trainer.
        checkpoint_io: what writes checkpoints.
        precision_plugin: the number format.
        debug: let torch_xla report each compilation (``PT_XLA_DEBUG``).
        sync_module_states: give all processes the weights of rank zero when a run begins.
        timeout: how long processes wait for each other.
        start_method: how ``torch_xla.launch`` starts processes: ``"fork"``, ``"spawn"`` or ``"forkserver"``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible, or torch_xla is not installed.
    """

    def __init__(
        self,
        accelerator: Accelerator | None = None,
        parallel_devices: list[torch.device] | None = None,
        checkpoint_io: CheckpointIO | None = None,
        precision_plugin: Precision | None = None,
        debug: bool = False,
        sync_module_states: bool = True,
        *,
        timeout: timedelta | None = DEFAULT_TIMEOUT,
        start_method: str = "fork",
    ) -> None:
        engine()
        if start_method == "popen":
            remedy = "torch_xla starts the processes."
            raise ConfigurationError.about(
                "start_method", start_method, "'fork', 'spawn', 'forkserver'", remedy
            )
        environment = XLAEnvironment()
        super().__init__(
            accelerator, parallel_devices, environment, checkpoint_io, precision_plugin, "gloo", timeout, start_method
        )  # fmt: skip
        self.debug, self.sync_module_states = debug, sync_module_states
        self._handles = []
        self._accumulating = False

    @classmethod
    def from_name(cls, name: str) -> Self:
        return cls(debug=name == "xla_debug")

    def connect(self, **components: Any) -> None:
        """Take the other components of the run.

        Raises:
            leyden.errors.ConfigurationError: the precision is not for XLA, or torchrun started this process.
        """
        check_precision(components["precision"])
        if dist.is_torchelastic_launched():
            remedy = "torch_xla starts a process for each device: start the program with python, once on each machine."
            raise ConfigurationError.about(
                "strategy", type(self).__name__, "another one under torchrun", remedy
            )
        super().connect(**components)

    @property
    def launcher(self) -> Launcher:
        """What starts the processes."""
        if self._launcher is None:
            self._launcher = XLALauncher(self, self.start_method)
        return self._launcher

    @property
    def root_device(self) -> torch.device:
        """The device of this process once torch_xla has started it, before that the name of the first."""
        return engine().device() if self._began else super().root_device

    @property
    def _began(self) -> bool:
        return isinstance(self.environment, XLAEnvironment) and self.environment.began

    # -- training --------------------------------------------------------------------------------------------------

    def setup(self, module: nn.Module) -> nn.Module:
        super().setup(module)
        if self.sync_module_states and self._connected:
            with self.collective("the broadcast of weights"):
                engine("torch_xla.core.xla_model").broadcast_master_param(self.module)
        return module

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Differentiate; in the batch that closes an accumulation window, average the gradients of all processes."""
        super().backward(loss, *args, **kwargs)
        if self._connected and not self._accumulating:
            with self.collective("the averaging of gradients"):
                for one in self.optimizers:
                    engine("torch_xla.core.xla_model").reduce_gradients(one)

    def no_sync(self) -> AbstractContextManager[Any]:
        """Gradients stay here until the batch that closes the window."""
        return self._not_averaging()

    @contextmanager
    def _not_averaging(self) -> Iterator[None]:
        self._accumulating = True
        try:
            yield
        finally:
            self._accumulating = False

    def teardown(self) -> None:
        self._accumulating = False
        super().teardown()

    # -- collectives -----------------------------------------------------------------------------------------------

    def reduce(self, tensor: Any, group: Any = None, reduce_op: str | None = "mean") -> Any:
        """Reduce a tensor over all processes, on the device.

        Args:
            tensor: the tensor; what is none comes back as it is.
            group: XLA reduces over all processes: ``None``.
            reduce_op: ``"mean"``, ``"avg"``, ``"sum"``, ``"min"``, ``"max"``, ``"product"``; ``None`` is a sum.

        Raises:
            leyden.errors.ConfigurationError: a group, or another operation.
        """
        name = "sum" if reduce_op is None else reduce_op.lower() if isinstance(reduce_op, str) else reduce_op
        if name not in OPERATIONS:
            raise ConfigurationError.about("reduce_op", reduce_op, ", ".join(map(repr, OPERATIONS)))
        self._check_group(group)
        if not self._connected or not isinstance(tensor, Tensor):
            return tensor
        home, moved = tensor.device, tensor.to(self.root_device)
        averages = name in ("mean", "avg")
        if averages and not moved.is_floating_point() and not moved.is_complex():
            moved = moved.float()
        with self.collective("reduce"):
            total = engine("torch_xla.core.xla_model").all_reduce(OPERATIONS[name], moved)
        return (total / self.world_size if averages else total).to(home)

    def all_gather(self, tensor: Tensor, group: Any = None, sync_grads: bool = False) -> Tensor:
        """Stack a tensor of every process along a new first dimension, on the device; raises as :meth:`reduce`."""
        self._check_group(group)
        if not self._connected:
            return tensor
        module = "torch_xla.core.functions" if sync_grads else "torch_xla.core.xla_model"
        with self.collective("all_gather"):
            gathered: Tensor = engine(module).all_gather(tensor.to(self.root_device).unsqueeze(0), dim=0)
        return gathered

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        if not self._connected:
            return obj
        with self.collective("broadcast"):
            return broadcast(obj, src, CPU)

    def _check_group(self, group: Any) -> None:
        if group is not None:
            raise ConfigurationError.about("group", group, f"None with {type(self).__name__}")
