"""Weights and optimizer states that processes share, as wholes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Shares:
    """What an engine holds in shares, read and written as one process would have it; all processes take part.

    Args:
        deepspeed: the package.
        zero: the engine's optimizer.
        stage: of ZeRO.
        groups: the parameters of the user's optimizer, by group.
    """

    def __init__(self, deepspeed: Any, zero: Any, stage: int, groups: list[list[nn.Parameter]]) -> None:
        self.deepspeed, self.zero, self.stage = deepspeed, zero, stage
        self.sizes = [len(group) for group in groups]
        self.parameters = [one for group in groups for one in group]

    def whole(self, parameter: nn.Parameter) -> Tensor:
        """A parameter, as the module has it."""
        with self.deepspeed.zero.GatheredParameters([parameter], enabled=self.stage == 3):
            return parameter.detach().clone()

    def exact(self, parameter: nn.Parameter) -> Tensor:
        """A parameter in fp32, where the engine keeps it so."""
        found: Tensor | None = None
        if parameter.requires_grad:
            found = self.deepspeed.utils.safe_get_full_fp32_param(parameter)
        return self.whole(parameter) if found is None else found.detach().clone()

    def set_exact(self, values: Iterable[Tensor]) -> None:
        """Give the optimizer's parameters their values in fp32."""
        for parameter, value in zip(self.parameters, values, strict=False):
            self.deepspeed.utils.safe_set_full_fp32_param(parameter, value)

    def optimizer_state(self) -> dict[str, Any]:
        """The optimizer's state, as a plain one has it."""
        inner = self.zero.optimizer
        link_states(self.zero)
        held = [inner.state[one] for one in flat_partitions(self.zero) if inner.state.get(one)]
        names = dict(held[0]) if held else {}
        state: dict[int, dict[str, Any]] = {}
        for index, parameter in enumerate(self.parameters):
            for name, value in names.items():
                state.setdefault(index, {})[name] = self._state_of(parameter, name, value)
        groups, start = [], 0
        for group, size in zip(inner.param_groups, self.sizes, strict=True):
            options = {name: value for name, value in group.items() if name != "params"}
            groups.append({**options, "params": list(range(start, start + size))})
            start += size
        return {"state": state, "param_groups": groups}

    def _state_of(self, parameter: nn.Parameter, name: str, shared: Any) -> Any:
        """A parameter's part of the state; what has no dimensions is the same for all."""
        if not isinstance(shared, Tensor):
            return shared
        if not shared.dim():
            return shared.clone()
        found: Tensor = self.deepspeed.utils.safe_get_full_optimizer_state(parameter, name)
        return found.reshape(getattr(parameter, "ds_shape", parameter.shape)).clone()

    def load_optimizer_state(self, state: dict[str, Any], device: torch.device) -> None:
        """Take a plain optimizer's state, each process its share."""
        inner, saved = self.zero.optimizer, state["state"]
        for group, options in zip(inner.param_groups, state["param_groups"], strict=True):
            group.update({name: value for name, value in options.items() if name != "params"})
        if not saved:
            return
        model = next(iter(saved.values()))
        for flat in flat_partitions(self.zero):
            inner.state[flat] = {name: like(value, flat) for name, value in model.items()}
        link_states(self.zero)
        for index, parameter in enumerate(self.parameters):
            for name, value in saved.get(index, {}).items():
                if isinstance(value, Tensor) and value.dim():
                    self._put(parameter, name, value.to(device))

    def _put(self, parameter: nn.Parameter, name: str, value: Tensor) -> None:
        utils = self.deepspeed.utils
        if self.stage < 3:
            utils.safe_set_full_optimizer_state(parameter, value, name)
            return
        size, rank = utils.safe_get_local_optimizer_state(parameter, name).numel(), dist.get_rank()
        padded = value.new_zeros(size * dist.get_world_size())
        padded[: value.numel()] = value.flatten()
        utils.safe_set_local_optimizer_state(parameter, padded[size * rank : size * (rank + 1)], name)


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


def from_parts(parameter: Any, together: bool, keep: bool) -> Tensor:
    """The whole of a parameter that processes share (stage 3), through the process group that there is now.

    Args:
        parameter: the parameter, with its share.
        together: whether all processes take part.
        keep: whether this process wants the whole; otherwise it gets an empty tensor on the meta device.
    """
    parts: list[Any] | None = [None] * dist.get_world_size() if together and keep else None
    if together:
        dist.gather_object(parameter.ds_tensor.detach().cpu(), parts, dst=0)
    if parts is None:
        return torch.empty(parameter.ds_shape, dtype=parameter.dtype, device="meta")
    return torch.cat([one.flatten() for one in parts])[: parameter.ds_numel].view(parameter.ds_shape)


def like(value: Any, flat: Tensor) -> Any:
    """What a share of the optimizer's state begins with, in place of a parameter's."""
    if not isinstance(value, Tensor):
        return value
    return torch.zeros_like(flat) if value.dim() else value.clone()


def put_back(module: nn.Module, weights: dict[Any, Tensor], attributes: dict[nn.Parameter, set[str]]) -> None:
    """Make a module plain again.

    Args:
        module: the engine's.
        weights: what each parameter becomes.
        attributes: which each parameter had before there was an engine.
    """
    for one, before in attributes.items():
        for name in set(vars(one)) - before:
            delattr(one, name)
        one.grad = None
        if one in weights and not weights[one].is_meta:
            one.data = weights[one]
    for child in module.modules():
        child._parameters = {name: _placed(one, weights) for name, one in child._parameters.items()}


def _placed(parameter: nn.Parameter | None, weights: dict[Any, Tensor]) -> nn.Parameter | None:
    """The parameter itself, or another on the meta device, where a parameter cannot move to."""
    weight = weights.get(parameter)
    if parameter is None or weight is None or not weight.is_meta:
        return parameter
    return nn.Parameter(weight, parameter.requires_grad)
