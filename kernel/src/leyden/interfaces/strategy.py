"""Strategies: where the model lives and how processes work together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.overrides import TorchFunctionMode

from leyden.interfaces.accelerator import Accelerator
from leyden.interfaces.checkpoint_io import CheckpointIO
from leyden.interfaces.environment import ClusterEnvironment
from leyden.interfaces.precision import Precision


class _EmptyInit(TorchFunctionMode):
    """Leaves out the functions of ``torch.nn.init``."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


class Strategy(ABC):
    """How a module is placed, run, synchronised, saved and loaded. Defaults are those of one process.

    A run calls, in this order: :meth:`connect`, :meth:`launch`, :meth:`setup_environment`, :meth:`setup`,
    :meth:`setup_optimizers`, then the verbs of the step, and :meth:`teardown` whatever happened.

    The loops themselves call collectives at these points and no others: before and after ``prepare_data``, when
    loggers have started, in :meth:`setup`, in :meth:`agree` (the end of an epoch's batches, the end of an evaluation
    pass), where ``self.log(sync_dist=True)`` is flushed (batches that are written, ends of epochs and of evaluation
    passes), when a checkpoint is saved, and in :meth:`teardown`.

    Attributes:
        handles_gradient_accumulation: the engine accumulates by itself, so every batch is handed to it.
        restore_after_setup: checkpoints are loaded after the module was wrapped.
        uses_environment: it takes ranks and addresses from a cluster environment.
        alone: this process failed, or another did: collectives are over, and what is asked for is answered locally.
    """

    handles_gradient_accumulation: ClassVar[bool] = False
    restore_after_setup: ClassVar[bool] = False
    uses_environment: ClassVar[bool] = False
    alone: bool = False

    @classmethod
    def from_name(cls, name: str) -> Self:
        """Make the strategy that a registered name stands for, e.g. ``"ddp_spawn"``."""
        return cls()

    def __init__(self) -> None:
        self.accelerator: Accelerator | None = None
        self.precision = Precision()
        self.assigned_precision: Precision | None = None
        self.checkpoint_io: CheckpointIO | None = None
        self.environment: ClusterEnvironment | None = None
        self.devices: list[torch.device] = []
        self.num_nodes = 1
        self.module: Any = None
        self.model: Any = None
        self.optimizers: list[Optimizer] = []

    def connect(
        self,
        *,
        accelerator: Accelerator,
        devices: list[torch.device],
        num_nodes: int,
        precision: Precision,
        checkpoint_io: CheckpointIO | None,
    ) -> None:
        """Take the other components of the run."""
        self.accelerator, self.devices, self.num_nodes = accelerator, devices, num_nodes
        self.precision, self.checkpoint_io = precision, checkpoint_io

    @property
    @abstractmethod
    def root_device(self) -> torch.device:
        """The device of this process."""

    @property
    def world_size(self) -> int:
        """How many processes take part."""
        return 1

    @property
    def global_rank(self) -> int:
        """The rank of this process."""
        return 0

    @property
    def local_rank(self) -> int:
        """The rank of this process on its machine."""
        return 0

    @property
    def node_rank(self) -> int:
        """The rank of this machine."""
        return 0

    @property
    def is_global_zero(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.global_rank == 0

    @property
    def launches_workers(self) -> bool:
        """Whether runs happen in processes other than the caller's, from which predictions do not come back."""
        return False

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        """Run a function in every process that takes part and return what rank zero's returned.

        Args:
            function: runs one session; it can be pickled when the Trainer and what the user gave can.
            trainer: whose state is brought up to date where the function ran in other processes.
        """
        return function()

    def guard(self, session: Any) -> AbstractContextManager[Any]:
        """What holds around all that a session does: when this process fails, or another, all must end."""
        return nullcontext()

    def agree(self, point: str, batches: int | None = None) -> None:
        """Wait, outside of any step, until every process has come to the same point.

        Args:
            point: its name, e.g. ``"end of epoch 3"``.
            batches: the training batches completed, which must be the same everywhere.
        """

    def ready(self, name: str, update: int) -> bool:
        """Whether something that every process has asked for is to be done now, after the same update everywhere.

        Args:
            name: what.
            update: updates counted so far in this process.
        """
        return True

    def setup_environment(self) -> None:
        """Join the process group and take the device."""
        if self.accelerator is not None:
            self.accelerator.setup_device(self.root_device)

    def setup(self, module: nn.Module) -> nn.Module:
        """Convert, place and wrap the module; returns what steps are called through."""
        self.module = self.precision.convert_module(module)
        self.module.to(self.root_device)
        self.model = self.module
        return module

    def setup_optimizers(self, optimizers: list[Optimizer]) -> list[Optimizer]:
        """Take (and maybe wrap) the optimizers."""
        self.optimizers = optimizers
        return optimizers

    def bind_step(self, name: str) -> Callable[..., Any]:
        """The callable that runs a step method of the module, e.g. ``training_step``, through wrapper and precision."""
        step: Callable[..., Any] = getattr(self.module, name)
        kind, precision = type(self.precision), self.precision
        if (
            kind.forward_context is Precision.forward_context
            and kind.convert_output is Precision.convert_output
        ):
            return step

        def with_context(*args: Any, **kwargs: Any) -> Any:
            with precision.forward_context():
                return precision.convert_output(step(*args, **kwargs))

        return with_context

    def batch_to_device(self, batch: Any, device: torch.device | None = None, dataloader_idx: int = 0) -> Any:
        """Move a batch to a device through the module's ``transfer_batch_to_device``."""
        return self.module.transfer_batch_to_device(batch, device or self.root_device, dataloader_idx)

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Differentiate a (scaled) loss."""
        loss.backward(*args, **kwargs)

    def no_backward(self) -> None:
        """This process's training step had no loss, so that no backward follows."""

    def no_sync(self) -> AbstractContextManager[Any]:
        """What holds in a batch that does not close its accumulation window."""
        return nullcontext()

    def clip_gradients(self, optimizer: Optimizer, value: float, algorithm: str = "norm") -> None:
        """Clip the (unscaled) gradients of an optimizer by ``"norm"`` or by ``"value"``."""
        clip = self.precision.clip_grad_norm if algorithm == "norm" else self.precision.clip_grad_value
        clip(optimizer, value)

    def reduce(self, tensor: Any, group: Any = None, reduce_op: str | None = "mean") -> Any:
        """Reduce a tensor over all processes."""
        return tensor

    def all_gather(self, tensor: Tensor, group: Any = None, sync_grads: bool = False) -> Tensor:
        """Stack a tensor of every process along a new first dimension: shape (world_size, *tensor.shape).

        With one process there is nothing to gather, and the tensor comes back as it is.
        """
        return tensor

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        """Give every process the object of one."""
        return obj

    def barrier(self, name: str | None = None) -> None:
        """Wait until every process is here."""

    def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:
        """Whether all (or any) of the processes decided so."""
        return decision

    def gather_object(self, obj: Any) -> list[Any] | None:
        """The objects of all processes by rank, on rank zero; ``None`` on the others."""
        return [obj]

    def synchronize_buffers(self) -> None:
        """Give the module the buffers of rank zero, before it is evaluated within a fit."""

    def shard(self, loader: Any, *, training: bool) -> Any:
        """This process's share of a loader; the loader itself when it keeps the whole.

        The user's loader is neither changed nor constructed again.

        Args:
            loader: what the user gave.
            training: whether it is trained on, so that all processes need the same number of batches; elsewhere
                each sample belongs to exactly one process.
        """
        return loader

    def module_state_dict(self) -> dict[str, Any]:
        """The module's full state, without prefixes of wrappers."""
        state: dict[str, Any] = self.module.state_dict()
        return state

    def load_module_state_dict(self, state: dict[str, Any], strict: bool = True) -> None:
        """Give the module its full state."""
        self.module.load_state_dict(state, strict=strict)

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """The full state of an optimizer."""
        return optimizer.state_dict()

    def load_optimizer_state(self, optimizer: Optimizer, state: dict[str, Any]) -> None:
        """Give an optimizer its full state."""
        optimizer.load_state_dict(state)

    def saved_gradient(self, parameter: nn.Parameter) -> Any:
        """What this process saves of a gradient that the next batch adds to."""
        return parameter.grad

    def restored_gradient(self, parameter: nn.Parameter, saved: Tensor) -> Tensor:
        """The gradient again, as the parameter needs it."""
        return saved.to(parameter.device)

    def init_context(self, empty_init: bool | None = None) -> AbstractContextManager[Any]:
        """What holds while the module's parameters are created.

        Args:
            empty_init: leave parameters as memory gives them, where a checkpoint is loaded over them anyway.
        """
        context = ExitStack()
        context.enter_context(self.precision.init_context())
        if empty_init:
            context.enter_context(_EmptyInit())
        return context

    def teardown(self) -> None:
        """Release devices and processes."""
        self.precision.teardown()
        if self.accelerator is not None:
            self.accelerator.teardown()

    def on_exception(self, exception: BaseException) -> None:
        """A run ends with an exception in this process."""
