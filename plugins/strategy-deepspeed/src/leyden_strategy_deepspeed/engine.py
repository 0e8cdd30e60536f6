"""Making DeepSpeed's engine, and what stands between it and the loops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from leyden.errors import UserCodeError


def prepared(device: torch.device, backend: str, timeout: timedelta) -> Any:
    """The package ``deepspeed``, which uses torch's process group as it is now.

    On a CPU, the shared-memory kernel of its inference is left out: training does not call it, and building it takes
    a compiler and minutes.
    """
    if device.type == "cpu":
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed
    import deepspeed.comm.comm as comm
    from deepspeed.utils import groups

    if device.type == "cpu":
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    comm.cdb = None  # of an earlier run, whose process group may be gone
    groups._WORLD_GROUP = None
    deepspeed.init_distributed(dist_backend=backend, auto_mpi_discovery=False, timeout=timeout)
    return deepspeed


@contextmanager
def told(rank: int) -> Iterator[None]:
    """What holds while the engine is made: the variable ``LOCAL_RANK``, which it reads."""
    before = os.environ.get("LOCAL_RANK")
    os.environ["LOCAL_RANK"] = str(rank)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LOCAL_RANK"]
        else:
            os.environ["LOCAL_RANK"] = before


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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Apply the gradients that the engine holds; returns what the closure returned."""
        result = closure() if closure is not None else None
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


def link_states(zero: Any) -> None:
    """Let the engine's parameters find the optimizer states that were put in place."""
    if hasattr(zero, "_lazy_init_hp_params_optimizer_state"):
        zero._hp_optimizer_states_linked = False
        zero._lazy_init_hp_params_optimizer_state()


def flat_partitions(zero: Any) -> list[Tensor]:
    """The flat fp32 tensors that the user's optimizer has instead of the parameters."""
    for name in ("single_partition_of_fp32_groups", "fp32_partitioned_groups_flat"):
        if hasattr(zero, name):
            return list(getattr(zero, name))
    raise NotImplementedError(
        f"{type(zero).__name__} of this release of DeepSpeed keeps its weights elsewhere."
    )
