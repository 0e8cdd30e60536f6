"""What strategies with sharded parameters share: steps, states, and whole weights for the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed._composable.contract import REGISTRY_KEY, STATE_KEY
from torch.distributed._composable_state import _module_state_mapping
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from leyden.errors import CheckpointError
from leyden.interfaces import Accelerator, CheckpointIO, Precision
from leyden_distributed.strategy import ParallelStrategy
from leyden_strategy_fsdp.checkpoint_io import ShardedCheckpointIO
from leyden_strategy_fsdp.precision import sharded
from leyden_strategy_fsdp.tensors import from_parts, local, nothing, part_of, whole


class ShardedStrategy(ParallelStrategy):
    """Parameters are ``DTensor`` while a run lasts; see :class:`FSDPStrategy`."""

    restore_after_setup: ClassVar[bool] = True
    writes_shards: bool = False

    def connect(
        self,
        *,
        accelerator: Accelerator,
        devices: list[torch.device],
        num_nodes: int,
        precision: Precision,
        checkpoint_io: CheckpointIO | None,
    ) -> None:
        """Take the other components of the run.

        Raises:
            leyden.errors.ConfigurationError: the precision is none of sharded modules.
        """
        chosen = precision is self.assigned_precision
        converted = sharded(precision, type(self).__name__)
        if self.writes_shards and checkpoint_io is None:
            checkpoint_io = ShardedCheckpointIO()
        super().connect(
            accelerator=accelerator,
            devices=devices,
            num_nodes=num_nodes,
            precision=converted,
            checkpoint_io=checkpoint_io,
        )
        if chosen:
            self.assigned_precision = converted
        converted.place(self.root_device)

    def init_context(self, empty_init: bool | None = None) -> AbstractContextManager[Any]:
        """What holds while parameters are created: with ``empty_init`` they have no memory before they are sharded."""
        context = ExitStack()
        context.enter_context(self.precision.init_context())
        if empty_init:
            context.enter_context(torch.device("meta"))
        return context

    def bind_step(self, name: str) -> Callable[..., Any]:
        """Steps enter the module as its ``forward`` does, which brings its parameters together."""
        step = super().bind_step(name)
        module: Any = self.module
        if not isinstance(module, FSDPModule):
            return step
        whole_module: nn.Module = self.model
        called = entered(whole_module, step)
        if name == "training_step":
            return called

        def evaluated(*args: Any, **kwargs: Any) -> Any:
            try:
                return called(*args, **kwargs)
            finally:
                # Without a backward, FSDP2 would leave parameters together, and hooks would find whole ones.
                reshard(self.module)

        return evaluated

    # -- states ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _together(self, what: str) -> Iterator[None]:
        if self.alone:
            raise CheckpointError(f"{what} needs all processes, and one of them has failed.")
        with self.collective(what):
            yield

    def module_state_dict(self) -> dict[str, Any]:
        """The whole state on rank zero and nothing elsewhere, or everybody's shards."""
        state = self.module.state_dict()
        if self.writes_shards:
            return dict(state)
        with self._together("gathering the weights"):
            found = {name: whole(one, keep=self.is_global_zero) for name, one in state.items()}
        return found if self.is_global_zero else {}

    def load_module_state_dict(self, state: dict[str, Any], strict: bool = True) -> None:
        """Take a whole state, the same in all processes, or what the folder of shards holds."""
        own = self.module.state_dict()
        wanted = {name: one for name, one in state.items() if name in own and isinstance(one, Tensor)}
        for name, one in wanted.items():
            if one.shape != own[name].shape:
                raise RuntimeError(
                    f"{name} has shape {tuple(one.shape)} there and {tuple(own[name].shape)} here"
                )
        filled = self._filled({f"model.{name}": (one, own[name]) for name, one in wanted.items()})
        self.module.load_state_dict(
            {**state, **{name: filled[f"model.{name}"] for name in wanted}}, strict=strict
        )

    def _filled(self, pairs: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Values for present tensors by name: shards of saved tensors, or read from the folder if those are empty."""
        found: dict[str, Tensor] = {}
        read: dict[str, Tensor] = {}
        for name, (saved, present) in pairs.items():
            if saved.is_meta:
                read[name] = found[name] = torch.empty_like(present)
            elif isinstance(present, DTensor) and not isinstance(saved, DTensor):
                found[name] = part_of(saved, present)
            else:
                found[name] = saved
        if read:
            io = self.checkpoint_io
            assert isinstance(io, ShardedCheckpointIO) and io.source is not None
            io.load_tensors(io.source, read)
        return found

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """As of an optimizer of the plain module: whole on rank zero, or everybody's shards."""
        state = optimizer.state_dict()
        if self.writes_shards:
            return state
        keep = self.is_global_zero
        with self._together("gathering the states of optimizers"):
            states = {
                index: {key: whole(one, keep=keep) for key, one in entry.items()}
                for index, entry in state["state"].items()
            }
        return {**state, "state": states if keep else {}}

    def load_optimizer_state(self, optimizer: Optimizer, state: dict[str, Any]) -> None:
        """Take the state of a plain optimizer, or what the folder of shards holds."""
        parameters = [one for group in optimizer.param_groups for one in group["params"]]
        prefix = f"optimizer.{self.optimizers.index(optimizer) if optimizer in self.optimizers else 0}.state"
        pairs: dict[str, tuple[Tensor, Tensor]] = {}
        for index, entry in state["state"].items():
            parameter = parameters[int(index)]
            for key, one in entry.items():
                if isinstance(one, Tensor):
                    like = (
                        parameter.detach().to(one.dtype)
                        if one.shape == parameter.shape and one.dim()
                        else torch.empty(one.shape, dtype=one.dtype)
                    )
                    pairs[f"{prefix}.{index}.{key}"] = (one, like)
        filled = self._filled(pairs)
        states = {
            index: {key: filled.get(f"{prefix}.{index}.{key}", one) for key, one in entry.items()}
            for index, entry in state["state"].items()
        }
        optimizer.load_state_dict({**state, "state": states})

    def saved_gradient(self, parameter: nn.Parameter) -> Tensor:
        assert parameter.grad is not None
        return local(parameter.grad).detach().clone()

    def restored_gradient(self, parameter: nn.Parameter, saved: Tensor) -> Tensor:
        if not isinstance(parameter, DTensor):
            return super().restored_gradient(parameter, saved)
        held = parameter.to_local()
        if held.shape != saved.shape:
            raise CheckpointError(
                "The checkpoint was saved in an open accumulation window by another number of processes, and holds "
                "their shards of its gradients. Resume with as many processes, or from another checkpoint."
            )
        return DTensor.from_local(
            saved.to(held.device),
            parameter.device_mesh,
            parameter.placements,
            run_check=False,
            shape=parameter.shape,
            stride=parameter.stride(),
        )

    # -- the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Give the module whole parameters back where one process is all there is, or workers end with the run."""
        module = self.module
        if module is not None and self.joined and dist.is_initialized():
            self._part_with(module)
        super().teardown()

    def _part_with(self, module: nn.Module) -> None:
        returned = self.world_size == 1 or self.launches_workers
        sharded = any(isinstance(one, DTensor) for one in parameters_of(module))
        if not self.alone:
            reshard(module)
            if returned and sharded:
                with self.collective("gathering the weights"):
                    make_whole(module, partial(whole, keep=self.is_global_zero))
        elif returned and sharded:
            put_shards(module)
            make_whole(
                module, partial(from_parts, keep=self.is_global_zero) if self.meets_again() else nothing
            )


def parameters_of(module: nn.Module) -> Iterator[Any]:
    """The parameters as they are registered, in whichever state FSDP2 left them."""
    for one in module.modules():
        yield from one.parameters(recurse=False)
        if isinstance(one, FSDPModule):
            yield from (each.sharded_param for unit in _units(one) for each in unit.fsdp_params)


def _units(module: FSDPModule) -> list[Any]:
    """What FSDP2 brings together at once."""
    return list(module._get_fsdp_state()._fsdp_param_groups)


def put_shards(module: nn.Module) -> None:
    """The same as :func:`reshard` where a step was interrupted, and FSDP2 still believes to be within it."""
    for one in module.modules():
        if isinstance(one, FSDPModule):
            for unit in _units(one):
                unit._to_sharded()


def reshard(module: nn.Module) -> None:
    """Let every process hold its shards alone."""
    for one in module.modules():
        if isinstance(one, FSDPModule):
            one.reshard()


def make_whole(module: nn.Module, gather: Callable[[DTensor], Tensor | None]) -> None:
    """Replace sharded parameters by whole ones on the CPU.

    Args:
        module: the module.
        gather: gives a parameter's whole, or nothing, for which an empty one on the meta device stands.
    """
    done: dict[int, nn.Parameter] = {}
    for one in module.modules():
        for name, parameter in one._parameters.items():
            if isinstance(parameter, DTensor):
                if id(parameter) not in done:
                    value = gather(parameter)
                    if value is None:
                        value = torch.empty(parameter.shape, dtype=parameter.dtype, device="meta")
                    done[id(parameter)] = nn.Parameter(value, requires_grad=parameter.requires_grad)
                one._parameters[name] = done[id(parameter)]
    unhook(module)


def keep_name(module: FSDPModule) -> None:
    """Let the class that FSDP2 gave a module be named as the user's own, for checkpoints and messages."""
    own = type(module).__mro__[2]
    for name in ("__module__", "__name__", "__qualname__"):
        setattr(type(module), name, getattr(own, name))


def unhook(module: nn.Module) -> None:
    """Take FSDP2 off a module whose parameters are plain again: its class, hooks and registrations."""
    for one in module.modules():
        if isinstance(one, FSDPModule):
            one.__class__ = type(one).__mro__[2]
        _module_state_mapping.pop(one, None)
        for key in (STATE_KEY, REGISTRY_KEY):
            held = one.__dict__.get(key)
            if held is not None:
                held.pop(fully_shard, None) if key == STATE_KEY else held.pop("fully_shard", None)
        for name, held in vars(one).items():
            if name.endswith("_hooks") and isinstance(held, dict):
                for identity in [key for key, hook in held.items() if _of_fsdp(hook)]:
                    del held[identity]


def _of_fsdp(hook: Any) -> bool:
    while hasattr(hook, "hook"):  # torch wraps hooks of state dicts
        hook = hook.hook
    return str(getattr(hook, "__module__", "")).startswith("torch.distributed.fsdp")


def entered(module: nn.Module, step: Callable[..., Any]) -> Callable[..., Any]:
    """A callable that calls the module, whose ``forward`` is the step for that call; inside it is its own again."""
    own = vars(module)
    missing = object()

    def call(*args: Any, **kwargs: Any) -> Any:
        before = own.get("forward", missing)

        def restore() -> None:
            if before is missing:
                own.pop("forward", None)
            else:
                own["forward"] = before

        def forward(*inputs: Any, **keywords: Any) -> Any:
            restore()
            return step(*inputs, **keywords)

        own["forward"] = forward
        try:
            return module(*args, **kwargs)
        finally:
            if own.get("forward", missing) is forward:
                restore()

    return call
