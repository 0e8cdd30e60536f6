"""``DeepSpeedStrategy``: ZeRO stages 1 to 3, offload, and DeepSpeed's own number formats."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from leyden.errors import ConfigurationError
from leyden.interfaces import Accelerator, CheckpointIO, ClusterEnvironment, Precision
from leyden_distributed.strategy import DEFAULT_TIMEOUT, ParallelStrategy
from leyden_strategy_deepspeed.config import FP16, PARALLEL, check, given, stage_of, written
from leyden_strategy_deepspeed.engine import EngineOptimizer, imported, prepared, through_engine, told
from leyden_strategy_deepspeed.precision import DeepSpeedPrecision
from leyden_strategy_deepspeed.shares import Shares, from_parts, put_back


class DeepSpeedStrategy(ParallelStrategy):
    """Each process keeps a share of optimizer states (stage 1), gradients (2) and weights (3); DeepSpeed's ZeRO.

    Arguments, their order and defaults are Lightning's. Those not named here are written into the configuration under
    ``zero_optimization``, ``activation_checkpointing``, ``aio`` or ``fp16``, where DeepSpeed documents them.

    Args:
        accelerator: the hardware; then the Trainer must not be given another.
        zero_optimization: share anything at all; ``False`` is stage 0.
        stage: 1, 2 or 3, see above.
        remote_device: must be ``None``: weights are created in full in each process before they are shared.
        logging_batch_size_per_gpu: samples in a batch, for DeepSpeed's own throughput figures; ``"auto"`` is 1.
        config: a configuration instead of the arguments: a dict or the path of a JSON file. The environment variable
            ``PL_DEEPSPEED_CONFIG_PATH`` may name the file.
        logging_level: of DeepSpeed's logger.
        load_full_weights: checkpoints always hold full weights, so both values mean the same.
        exclude_frozen_parameters: leave parameters without gradients out of checkpoints.
        checkpoint_io: what writes checkpoints.
        start_method: how processes are started where no launcher did it, as ``DDPStrategy``'s.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        accelerator: Accelerator | None = None,
        zero_optimization: bool = True,
        stage: int = 2,
        remote_device: str | None = None,
        offload_optimizer: bool = False,
        offload_parameters: bool = False,
        offload_params_device: str = "cpu",
        nvme_path: str = "/local_nvme",
        params_buffer_count: int = 5,
        params_buffer_size: int = 100_000_000,
        max_in_cpu: int = 1_000_000_000,
        offload_optimizer_device: str = "cpu",
        optimizer_buffer_count: int = 4,
        block_size: int = 1048576,
        queue_depth: int = 8,
        single_submit: bool = False,
        overlap_events: bool = True,
        thread_count: int = 1,
        pin_memory: bool = False,
        sub_group_size: int = 1_000_000_000_000,
        contiguous_gradients: bool = True,
        overlap_comm: bool = True,
        allgather_partitions: bool = True,
        reduce_scatter: bool = True,
        allgather_bucket_size: int = 200_000_000,
        reduce_bucket_size: int = 200_000_000,
        zero_allow_untested_optimizer: bool = True,
        logging_batch_size_per_gpu: str | int = "auto",
        config: Path | str | dict[str, Any] | None = None,
        logging_level: int = logging.WARNING,
        parallel_devices: list[torch.device] | None = None,
        cluster_environment: ClusterEnvironment | None = None,
        loss_scale: float = 0,
        initial_scale_power: int = 16,
        loss_scale_window: int = 1000,
        hysteresis: int = 2,
        min_loss_scale: int = 1,
        partition_activations: bool = False,
        cpu_checkpointing: bool = False,
        contiguous_memory_optimization: bool = False,
        synchronize_checkpoint_boundary: bool = False,
        load_full_weights: bool = False,
        precision_plugin: Precision | None = None,
        process_group_backend: str | None = None,
        timeout: timedelta | None = DEFAULT_TIMEOUT,
        exclude_frozen_parameters: bool = False,
        *,
        checkpoint_io: CheckpointIO | None = None,
        start_method: str = "popen",
    ) -> None:
        arguments = dict(locals())
        super().__init__(*(arguments[name] for name in PARALLEL))
        check(stage, remote_device, (offload_params_device, offload_optimizer_device))
        self.config: dict[str, Any] = given(config) or written(arguments)
        self._fp16 = {name: arguments[name] for name in FP16}
        self.load_full_weights, self.exclude_frozen_parameters = load_full_weights, exclude_frozen_parameters
        self._logging_level = logging_level
        self._clear()

    def _clear(self) -> None:
        self.engine: Any = None
        self._shares: Shares | None = None
        self._attributes: dict[nn.Parameter, set[str]] = {}

    @classmethod
    def from_name(cls, name: str) -> Self:
        _, _, rest = name.partition("_stage_")
        if not rest:
            return cls()
        stage, _, offload = rest.partition("_")
        options: dict[str, Any] = {"offload_optimizer": bool(offload), "stage": int(stage)}
        if stage == "3" and offload:
            options["offload_parameters"] = True
        if offload == "offload_nvme":
            options.update(offload_params_device="nvme", offload_optimizer_device="nvme")
        return cls(**options)

    def connect(
        self,
        *,
        accelerator: Accelerator,
        devices: list[torch.device],
        num_nodes: int,
        precision: Precision,
        checkpoint_io: CheckpointIO | None,
    ) -> None:
        """Take the other components of the run; the precision becomes the engine's of the same name.

        Raises:
            leyden.errors.ConfigurationError: the engine has no such precision.
        """
        if not isinstance(precision, DeepSpeedPrecision):
            precision = DeepSpeedPrecision(precision.precision)
        super().connect(
            accelerator=accelerator,
            devices=devices,
            num_nodes=num_nodes,
            precision=precision,
            checkpoint_io=checkpoint_io,
        )

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.update(engine=None, _shares=None, _attributes={})
        return state

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        if self.start_method == "fork" and self.root_device.type == "cpu":
            imported(self.root_device)  # once here is less than once in every worker
        return super().launch(function, trainer)

    # -- placing ---------------------------------------------------------------------------------------------------

    def setup(self, module: nn.Module) -> nn.Module:
        """Place the module with rank zero's weights; the engine follows when there are optimizers."""
        self._clear()
        super().setup(module)
        if self._connected:
            for one in [*module.parameters(), *module.buffers()]:
                torch.distributed.broadcast(one.detach(), 0)
        return module

    def setup_optimizers(self, optimizers: list[Optimizer]) -> list[Optimizer]:
        """Make the engine with the optimizer.

        Raises:
            leyden.errors.ConfigurationError: there is not exactly one, or gradients are to be clipped by value.
        """
        if len(optimizers) != 1:
            raise ConfigurationError(
                f"DeepSpeedStrategy needs exactly one optimizer, and configure_optimizers gives {len(optimizers)}."
            )
        optimizer = optimizers[0]
        groups = [list(group["params"]) for group in optimizer.param_groups]
        self._attributes = {one: set(vars(one)) for one in self.module.parameters()}
        masters = [] if self._full else [one.detach().float().clone() for group in groups for one in group]
        config = self.engine_config()
        with self.making_groups(), told(self.local_rank):
            deepspeed = prepared(self.root_device, self.process_group_backend, self.timeout)
            deepspeed.utils.logging.logger.setLevel(self._logging_level)
            self.engine, zero, _, _ = deepspeed.initialize(
                model=self.module, optimizer=optimizer, config=config, dist_init_required=False
            )
        self.model = self.engine
        self._shares = Shares(deepspeed, zero, self.stage, groups)
        self._shares.set_exact(masters)
        self.optimizers = [EngineOptimizer(optimizer, self.engine)]
        self.barrier("making the engine")
        return self.optimizers

    @property
    def _full(self) -> bool:
        return getattr(self.precision, "dtype", torch.float32) is torch.float32

    def engine_config(self) -> dict[str, Any]:
        """What the engine is made with: the configuration, and what the Trainer says.

        ``gradient_clipping`` is always written: DeepSpeed would clip at 1.0 where it is missing. Windows of
        accumulation are the loops', which tell the engine where each ends.

        Raises:
            leyden.errors.ConfigurationError: the Trainer clips by value, or by another norm than the configuration.
        """
        trainer = getattr(self.module, "_trainer", None)
        bound = getattr(trainer, "gradient_clip_val", None)
        if bound and getattr(trainer, "gradient_clip_algorithm", None) == "value":
            raise ConfigurationError(
                "gradient_clip_algorithm='value' is not possible with DeepSpeed, which clips by norm."
            )
        configured = self.config.get("gradient_clipping", bound)
        if bound and configured != bound:
            raise ConfigurationError(
                f"gradient_clip_val={bound} is not possible with gradient_clipping={configured!r} in DeepSpeed's "
                "config: leave one of them out."
            )
        own: dict[str, Any] = {"train_micro_batch_size_per_gpu": 1, "gradient_clipping": bound or 0.0}
        own |= {"gradient_accumulation_steps": 1, "zero_force_ds_cpu_optimizer": False}
        dtype = getattr(self.precision, "dtype", torch.float32)
        if dtype is torch.float16:
            own["fp16"] = {"enabled": True, **self._fp16}
        elif dtype is torch.bfloat16:
            own["bf16"] = {"enabled": True}
        return own | self.config

    @property
    def stage(self) -> int:
        """The ZeRO stage, 0 to 3."""
        return stage_of(self.config)

    # -- the step --------------------------------------------------------------------------------------------------

    def bind_step(self, name: str) -> Callable[..., Any]:
        """Steps go through the engine, which brings weights that other processes hold."""
        step = super().bind_step(name)
        return step if self.engine is None else through_engine(self.engine, self.module, step)

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        if self.engine is None:
            loss.backward(*args, **kwargs)
            return
        if not self._accumulating:
            self.engine.set_gradient_accumulation_boundary(True)
        for one in self.optimizers:
            one.holds, one.closes = True, not self._accumulating  # type: ignore[attr-defined]
        self.engine.backward(loss, *args, **kwargs)

    _accumulating = False

    def no_sync(self) -> AbstractContextManager[Any]:
        """The batch does not end its window."""
        return self._within_window()

    @contextmanager
    def _within_window(self) -> Iterator[None]:
        self._accumulating = True
        if self.engine is not None:
            self.engine.set_gradient_accumulation_boundary(False)
        try:
            yield
            if self.engine is not None:
                self.engine.step()
        finally:
            self._accumulating = False

    def clip_gradients(self, optimizer: Optimizer, value: float, algorithm: str = "norm") -> None:
        """Let the engine clip in the step that follows.

        Raises:
            leyden.errors.ConfigurationError: by value.
        """
        if algorithm != "norm":
            raise ConfigurationError.about("gradient_clip_algorithm", algorithm, "'norm' with DeepSpeed")
        if self._shares is None:
            super().clip_gradients(optimizer, value, algorithm)
        else:
            self._shares.zero.clip_grad = float(value)

    # -- states ----------------------------------------------------------------------------------------------------

    def module_state_dict(self) -> dict[str, Any]:
        """The full weights in fp32, gathered one by one; all processes must take part."""
        state: dict[str, Any] = self.module.state_dict()
        named = dict(self.module.named_parameters(remove_duplicate=False))
        for name in [one for one in state if one in named]:
            parameter = named[name]
            if self.exclude_frozen_parameters and not parameter.requires_grad:
                del state[name]
            elif self._shares is not None:
                shares = self._shares
                state[name] = shares.whole(parameter) if self._full else shares.exact(parameter)
        return state

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """The optimizer's full state as a plain optimizer has it; all processes must take part."""
        if self._shares is None or not self.stage:
            return optimizer.state_dict()
        return self._shares.optimizer_state()

    def load_optimizer_state(self, optimizer: Optimizer, state: dict[str, Any]) -> None:
        """Take a plain optimizer's full state: each process its share."""
        if self._shares is None or not self.stage:
            optimizer.load_state_dict(state)
        else:
            self._shares.load_optimizer_state(state, self.root_device)

    def teardown(self) -> None:
        """Give the module its plain weights back and let the engine go."""
        engine, self.engine = self.engine, None
        if engine is not None and self._shares is not None:
            weights = self._plain_weights(self._shares)
            engine.destroy()
            put_back(self.module, weights, self._attributes)
        self.model = self.module
        self._clear()
        super().teardown()

    def _plain_weights(self, shares: Shares) -> dict[Any, Tensor]:
        """What each parameter becomes; on the meta device where other processes kept their shares of it."""
        parameters = list(self.module.parameters())
        if not self.alone:
            return {one: shares.whole(one).cpu() for one in parameters}
        if self.stage < 3:
            return {one: one.detach().cpu().clone() for one in parameters}
        together = self.launches_workers and self.meets_again()
        return {one: from_parts(one, together, self.is_global_zero) for one in parameters}
