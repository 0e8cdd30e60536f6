"""``FSDPStrategy``: parameters, gradients and optimizer states are sharded over the processes, with FSDP2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    FSDPModule,
    MixedPrecisionPolicy,
    OffloadPolicy,
    fully_shard,
)
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Accelerator, CheckpointIO, ClusterEnvironment, Precision
from leyden.plugins.errors import did_you_mean, listed
from leyden_distributed.strategy import DEFAULT_TIMEOUT
from leyden_strategy_fsdp.sharded import ShardedStrategy, keep_name

STRATEGIES = ("FULL_SHARD", "SHARD_GRAD_OP", "NO_SHARD", "HYBRID_SHARD", "_HYBRID_SHARD_ZERO2")
STATES = ("full", "sharded")
OPTIONS = (
    "ignored_modules", "ignored_states", "limit_all_gathers", "param_init_fn", "reshard_after_forward",
    "shard_placement_fn", "sync_module_states", "use_orig_params",
)  # fmt: skip
ALWAYS = {"use_orig_params": True, "limit_all_gathers": True}
"""Arguments of FSDP1 for what FSDP2 always does."""


class FSDPStrategy(ShardedStrategy):
    """Each process holds a part of every parameter, of its gradient and of the optimizer's state (ZeRO stage 3).

    Args:
        accelerator: the hardware; then the Trainer must not be given another.
        parallel_devices: the devices of this machine; by default those of the Trainer.
        cluster_environment: where ranks come from; by default the one that finds itself.
        checkpoint_io: what writes checkpoints.
        precision_plugin: an ``FSDPPrecision``; by default that of the Trainer's ``precision``.
        process_group_backend: torch's name of what transports tensors; by default nccl on CUDA, gloo on the CPU.
        timeout: how long a collective may take.
        cpu_offload: keep shards and optimizer states in the CPU's memory: a bool, ``CPUOffload`` or an
            ``OffloadPolicy``.
        mixed_precision: ``True`` (the Trainer's half format, else bfloat16; reduced in float32), torch's
            ``MixedPrecision`` or ``MixedPrecisionPolicy``; by default what the precision says.
        auto_wrap_policy: which submodules are sharded, and brought together, by themselves: a set of their classes,
            a function ``(module, recurse, nonwrapped_numel) -> bool``, or a ``ModuleWrapPolicy``.
        activation_checkpointing: a class of modules, or several, whose activations are computed again in backward.
        activation_checkpointing_policy: the same as ``auto_wrap_policy`` says.
        sharding_strategy: ``"FULL_SHARD"``, ``"SHARD_GRAD_OP"`` (parameters stay together until backward),
            ``"NO_SHARD"`` or ``"HYBRID_SHARD"`` (sharded in a machine, replicated over machines), or torch's enum.
        state_dict_type: checkpoints are ``"full"`` files, or ``"sharded"`` folders that all processes write.
        device_mesh: ``(replicas, shards)`` or a ``DeviceMesh`` of two dimensions, for ``"HYBRID_SHARD"``.
        start_method: as of ``DDPStrategy``.
        kwargs: ``ignored_modules``, ``ignored_states``, ``param_init_fn``, ``sync_module_states`` (rank zero's
            weights for all; on by default), and ``reshard_after_forward``, ``shard_placement_fn`` of FSDP2.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        accelerator: Accelerator | None = None,
        parallel_devices: list[torch.device] | None = None,
        cluster_environment: ClusterEnvironment | None = None,
        checkpoint_io: CheckpointIO | None = None,
        precision_plugin: Precision | None = None,
        process_group_backend: str | None = None,
        timeout: timedelta | None = DEFAULT_TIMEOUT,
        cpu_offload: Any = None,
        mixed_precision: Any = None,
        auto_wrap_policy: Any = None,
        activation_checkpointing: Any = None,
        activation_checkpointing_policy: Any = None,
        sharding_strategy: Any = "FULL_SHARD",
        state_dict_type: str = "full",
        device_mesh: Any = None,
        *,
        start_method: str = "popen",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            accelerator,
            parallel_devices,
            cluster_environment,
            checkpoint_io,
            precision_plugin,
            process_group_backend,
            timeout,
            start_method,
        )
        self.kwargs = _options(kwargs)
        self.cpu_offload = _offload(cpu_offload)
        self.mixed_precision = _mixed(mixed_precision)
        self.auto_wrap_policy = _policy("auto_wrap_policy", auto_wrap_policy)
        if activation_checkpointing is not None and activation_checkpointing_policy is not None:
            raise ConfigurationError(
                "activation_checkpointing and activation_checkpointing_policy say the same: give the second alone."
            )
        if isinstance(activation_checkpointing, type):
            activation_checkpointing = [activation_checkpointing]
        if activation_checkpointing is not None:
            activation_checkpointing = set(activation_checkpointing)
        self.activation_checkpointing_policy = _policy(
            "activation_checkpointing_policy", activation_checkpointing_policy or activation_checkpointing
        )
        self.sharding_strategy = getattr(sharding_strategy, "name", sharding_strategy)
        if self.sharding_strategy not in STRATEGIES:
            remedy = did_you_mean(str(sharding_strategy), STRATEGIES)
            raise ConfigurationError.about("sharding_strategy", sharding_strategy, listed(STRATEGIES), remedy)
        if state_dict_type not in STATES:
            raise ConfigurationError.about("state_dict_type", state_dict_type, listed(STATES))
        self._state_dict_type = state_dict_type
        self.writes_shards = state_dict_type == "sharded"
        self.device_mesh_given = self._mesh_argument(device_mesh)
        self._checkpointed: list[nn.Module] = []

    @classmethod
    def from_name(cls, name: str) -> Self:
        return cls(cpu_offload=True) if name == "fsdp_cpu_offload" else cls()

    def _mesh_argument(self, given: Any) -> Any:
        if given is None:
            return None
        if not self.sharding_strategy.lstrip("_").startswith("HYBRID"):
            remedy = "Or leave device_mesh out."
            raise ConfigurationError.about(
                "sharding_strategy", self.sharding_strategy, "'HYBRID_SHARD'", remedy
            )
        pair = (
            isinstance(given, tuple)
            and len(given) == 2
            and all(type(one) is int and one > 0 for one in given)
        )
        if not pair and not isinstance(given, DeviceMesh):
            raise ArgumentTypeError.about("device_mesh", given, "(replicas, shards) or a DeviceMesh")
        return given

    @property
    def mixed_precision_config(self) -> MixedPrecisionPolicy:
        """The formats of whole parameters and of the reduction of gradients."""
        given = self.mixed_precision
        if isinstance(given, MixedPrecisionPolicy):
            return given
        if given is True:
            dtype = getattr(self.precision, "dtype", torch.float32)
            return MixedPrecisionPolicy(
                param_dtype=torch.bfloat16 if dtype is torch.float32 else dtype, reduce_dtype=torch.float32
            )
        if given is not None:
            return MixedPrecisionPolicy(
                param_dtype=given.param_dtype,
                reduce_dtype=given.reduce_dtype,
                cast_forward_inputs=given.cast_forward_inputs or given.cast_root_forward_inputs,
            )
        found: MixedPrecisionPolicy = self.precision.mixed_precision_config  # type: ignore[attr-defined]
        return found

    def _mesh(self) -> DeviceMesh:
        given, kind = self.device_mesh_given, self.root_device.type
        if isinstance(given, DeviceMesh):
            return given
        world, name = self.world_size, self.sharding_strategy
        if name == "NO_SHARD":
            shape: tuple[int, ...] = (world, 1)
        elif name in ("HYBRID_SHARD", "_HYBRID_SHARD_ZERO2"):
            shape = given or (self.num_nodes, world // self.num_nodes)
            if shape[0] * shape[1] != world:
                raise ConfigurationError.about("device_mesh", given, f"two numbers whose product is {world}")
        else:
            return init_device_mesh(kind, (world,), mesh_dim_names=("shard",))
        return init_device_mesh(kind, shape, mesh_dim_names=("replicate", "shard"))

    # -- placing ---------------------------------------------------------------------------------------------------

    def setup(self, module: nn.Module) -> nn.Module:
        """Shard the module: the submodules of the policy each by itself, then what is left."""
        self.module = self.precision.convert_module(module)
        if not any(isinstance(one, FSDPModule) for one in module.modules()):
            self._checkpoint_activations()
            self._shard()
        self.model = self.module
        return module

    def _shard(self) -> None:
        root = self.module
        with self.making_groups():
            mesh = self._mesh()
        ignored = _ignored(self.kwargs)
        keeps = None if self.sharding_strategy in ("FULL_SHARD", "HYBRID_SHARD") else False
        options: dict[str, Any] = {
            "mesh": mesh,
            "mp_policy": self.mixed_precision_config,
            "offload_policy": self._offload_policy(),
            "ignored_params": ignored,
            "reshard_after_forward": self.kwargs.get("reshard_after_forward", keeps),
        }
        if "shard_placement_fn" in self.kwargs:
            options["shard_placement_fn"] = self.kwargs["shard_placement_fn"]
        buffers = getattr(self.mixed_precision, "buffer_dtype", None)
        memo: dict[int, nn.Parameter] = {}
        for unit in [*selected(root, self.auto_wrap_policy), root]:
            self._materialize(unit, memo)
            if buffers is not None:
                for one in unit.buffers():
                    if one.is_floating_point():
                        one.data = one.to(buffers)
            for one in ignored or ():
                one.data = one.data.to(self.root_device)
            self._synchronize(unit)
            fully_shard(unit, **options)
            keep_name(unit)

    def _offload_policy(self) -> OffloadPolicy:
        given = self.cpu_offload
        if isinstance(given, OffloadPolicy):
            return given
        return CPUOffloadPolicy(pin_memory=self.root_device.type != "cpu") if given else OffloadPolicy()

    def _materialize(self, unit: nn.Module, memo: dict[int, nn.Parameter]) -> None:
        """Give parameters on the meta device memory and values, as ``reset_parameters`` draws them."""
        for path, one in unit.named_modules():
            own = [*one._parameters.values(), *one._buffers.values()]
            if not any(each is not None and each.is_meta for each in own):
                continue
            for name, parameter in one._parameters.items():
                if parameter is not None and parameter.is_meta:
                    if id(parameter) not in memo:
                        value = torch.empty_like(parameter, device=self.root_device)
                        memo[id(parameter)] = nn.Parameter(value, requires_grad=parameter.requires_grad)
                    one._parameters[name] = memo[id(parameter)]
            for name, buffer in one._buffers.items():
                if buffer is not None and buffer.is_meta:
                    one._buffers[name] = torch.empty_like(buffer, device=self.root_device)
            reset = self.kwargs.get("param_init_fn")
            if reset is not None:
                reset(one)
            elif callable(own_reset := getattr(one, "reset_parameters", None)):
                own_reset()
            else:
                raise ConfigurationError(
                    f"{path or 'The module'} ({type(one).__name__}) has parameters on the meta device and no method "
                    "reset_parameters that fills them. Write one, or give FSDPStrategy(param_init_fn=…)."
                )

    def _synchronize(self, unit: nn.Module) -> None:
        if not self._connected or not self.kwargs.get("sync_module_states", True):
            return
        with self.collective("the broadcast of weights"):
            for one in [*unit.parameters(), *unit.buffers()]:
                if not isinstance(one, DTensor):
                    one.data = one.data.to(self.root_device)
                    dist.broadcast(one.detach(), 0)

    def _checkpoint_activations(self) -> None:
        for one in selected(self.module, self.activation_checkpointing_policy):
            # On the instance, so that names of parameters stay what they are.
            vars(one)["forward"] = partial(checkpoint, one.forward, use_reentrant=False)
            self._checkpointed.append(one)

    def teardown(self) -> None:
        super().teardown()
        for one in self._checkpointed:
            vars(one).pop("forward", None)
        self._checkpointed = []


def selected(root: nn.Module, policy: Callable[..., bool] | None) -> list[nn.Module]:
    """The submodules that a policy selects, inner ones first, each once; not the root."""
    if policy is None:
        return []
    found: list[nn.Module] = []

    def visit(module: nn.Module) -> int:
        """The parameters below that no selected module has."""
        left = sum(one.numel() for one in module.parameters(recurse=False))
        for child in module.children():
            if child not in found:
                total = sum(one.numel() for one in child.parameters())
                left += visit(child) if policy(module=child, recurse=True, nonwrapped_numel=total) else total
        if module is not root and policy(module=module, recurse=False, nonwrapped_numel=left):
            found.append(module)
            return 0
        return left

    visit(root)
    return found


def _policy(name: str, given: Any) -> Callable[..., bool] | None:
    if given is None:
        return None
    if isinstance(given, set | frozenset):
        classes = tuple(given)
        if not classes or not all(isinstance(one, type) and issubclass(one, nn.Module) for one in classes):
            raise ArgumentTypeError.about(name, given, "a set of classes of modules, or a function")
        return partial(_is_one, classes=classes)
    if not callable(given):
        raise ArgumentTypeError.about(name, given, "a set of classes of modules, or a function")
    function: Callable[..., bool] = given
    return function


def _is_one(module: nn.Module, recurse: bool, nonwrapped_numel: int, classes: tuple[type, ...]) -> bool:
    return recurse or isinstance(module, classes)


def _offload(given: Any) -> Any:
    if hasattr(given, "offload_params"):
        given = given.offload_params
    if given is not None and not isinstance(given, bool | OffloadPolicy):
        raise ArgumentTypeError.about("cpu_offload", given, "True, False, CPUOffload or an OffloadPolicy")
    return given


def _mixed(given: Any) -> Any:
    if given is False:
        return None
    if given is None or given is True or isinstance(given, MixedPrecisionPolicy):
        return given
    if not hasattr(given, "param_dtype") or not hasattr(given, "keep_low_precision_grads"):
        raise ArgumentTypeError.about(
            "mixed_precision", given, "True, MixedPrecision or MixedPrecisionPolicy"
        )
    if given.keep_low_precision_grads:
        raise ConfigurationError.about(
            "keep_low_precision_grads", True, "False: FSDP2's gradients have the format of the shards"
        )
    return given


def _options(given: dict[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in OPTIONS:
            raise ArgumentTypeError(
                f"FSDPStrategy has no argument {name!r}; beside those of its signature there are {listed(OPTIONS)}. "
                f"{did_you_mean(name, OPTIONS)}".rstrip()
            )
        if name in ALWAYS and value is not ALWAYS[name]:
            raise ConfigurationError.about(name, value, f"{ALWAYS[name]}, as FSDP2 does")
    return given


def _ignored(options: dict[str, Any]) -> set[nn.Parameter] | None:
    ones: Iterable[Any] = [*(options.get("ignored_modules") or ()), *(options.get("ignored_states") or ())]
    found: set[Any] = set()
    for one in ones:
        found.update(
            one.parameters() if isinstance(one, nn.Module) else [one] if isinstance(one, Tensor) else []
        )
    return found or None
