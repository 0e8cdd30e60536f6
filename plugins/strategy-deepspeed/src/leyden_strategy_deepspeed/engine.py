"""Making DeepSpeed's engine, and what stands between it and the loops."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from leyden.errors import UserCodeError

_OF_PARENTS: list[Any] = []
"""What the package held when this process was forked: a process group that goes waits for its threads, and they are
those of the other process."""


def _keep() -> None:
    comm, groups = sys.modules.get("deepspeed.comm.comm"), sys.modules.get("deepspeed.utils.groups")
    if comm is not None and groups is not None:
        _OF_PARENTS.append((comm.cdb, groups._WORLD_GROUP))


os.register_at_fork(after_in_child=_keep)


def prepared(device: torch.device, backend: str, timeout: timedelta) -> Any:
    """The package ``deepspeed``, which uses torch's process group as it is now.

    On a CPU, the shared-memory kernel of its inference is left out: training does not call it, and building it takes
    a compiler and minutes.
    """
    deepspeed = imported(device)
    comm: Any = import_module("deepspeed.comm.comm")
    groups: Any = import_module("deepspeed.utils.groups")

    if device.type == "cpu":
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    comm.cdb = None  # of an earlier run, whose process group may be gone
    groups._WORLD_GROUP = None
    deepspeed.init_distributed(dist_backend=backend, auto_mpi_discovery=False, timeout=timeout)
    return deepspeed


def imported(device: torch.device) -> Any:
    """The package ``deepspeed``, which chooses its hardware while it is imported."""
    with variable("DS_ACCELERATOR", "cpu" if device.type == "cpu" else None):
        return import_module("deepspeed")


def told(rank: int) -> AbstractContextManager[None]:
    """What holds while the engine is made: the variable ``LOCAL_RANK``, which it reads."""
    return variable("LOCAL_RANK", str(rank))


@contextmanager
def variable(name: str, value: str | None) -> Iterator[None]:
    """Set a variable of the environment, unless ``None`` is given, and give it back."""
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


class EngineOptimizer(Optimizer):
    """The user's optimizer as loops and hooks see it; its step is the engine's.

    Args:
        optimizer: the user's.
        engine: steps it, on the share of this process.
    """

    def __init__(self, optimizer: Optimizer, engine: Any) -> None:
        self.optimizer, self.engine = optimizer, engine
        self.defaults = optimizer.defaults
        self.param_groups, self.state = optimizer.param_groups, optimizer.state
        self.holds = self.closes = False

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Apply the gradients that the engine holds, if any; returns what the closure returned.

        Raises:
            leyden.errors.UserCodeError: the last batch of a window had no loss, and others had one.
        """
        result = closure() if closure is not None else None
        holds, closes = self.holds, self.closes
        self.holds = self.closes = False
        if holds and not closes:
            raise UserCodeError(
                "training_step returned None in the batch that closes an accumulation window, in whose backward "
                "DeepSpeed brings the gradients of all its batches together. Return a loss of zero there."
            )
        if holds:
            self.engine.set_gradient_accumulation_boundary(True)
            self.engine.step()
        return result

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Nothing: the engine holds the gradients and releases them in its step."""

    def state_dict(self) -> dict[str, Any]:
        """This process's share; the strategy's ``optimizer_state`` is the whole."""
        return self.optimizer.state_dict()


def through_engine(engine: Any, module: nn.Module, step: Callable[..., Any]) -> Callable[..., Any]:
    """A callable that calls the engine, which calls the step instead of the module's ``forward``.

    Raises:
        leyden.errors.UserCodeError: the step replaced the module's ``forward``.
    """
    own = vars(module)

    def call(*args: Any, **kwargs: Any) -> Any:
        if "forward" in own:
            raise UserCodeError(
                f"{type(module).__name__} has a forward of the instance, which DeepSpeed needs."
            )

        def forward(*inputs: Any, **keywords: Any) -> Any:
            own.pop("forward", None)
            return step(*inputs, **keywords)

        own["forward"] = forward
        try:
            return engine(*args, **kwargs)
        finally:
            own.pop("forward", None)

    return call
