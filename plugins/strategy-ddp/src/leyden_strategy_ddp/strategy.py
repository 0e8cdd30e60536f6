"""``DDPStrategy``: a replica of the module in each process, gradients averaged while they are computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from importlib import import_module
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.distributed.algorithms.join import Join
from torch.nn import SyncBatchNorm
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Accelerator, CheckpointIO, ClusterEnvironment, Precision
from leyden.kernel.state import TrainerFn
from leyden.plugins.errors import did_you_mean, listed
from leyden_distributed.strategy import DEFAULT_TIMEOUT, ParallelStrategy
from leyden_strategy_ddp.averaging import Averaging
from leyden_strategy_ddp.redirect import manual_step, prepare_backward, through_wrapper

METHODS = {"ddp": "popen", "ddp_spawn": "spawn", "ddp_fork": "fork", "ddp_notebook": "fork"}
_OWN = ("self", "module", "device_ids", "output_device", "process_group")
OPTIONS = tuple(one for one in inspect.signature(DistributedDataParallel).parameters if one not in _OWN)


class DDPStrategy(ParallelStrategy):
    """Each process trains a replica of the module on its share of the data, with torch's DistributedDataParallel.

    Args:
        accelerator: the hardware; then the Trainer must not be given another.
        parallel_devices: the devices of this machine; by default those of the Trainer.
        cluster_environment: where ranks come from; by default the one that finds itself.
        checkpoint_io: what writes checkpoints.
        precision_plugin: the number format.
        ddp_comm_state: handed to the communication hook.
        ddp_comm_hook: replaces the averaging of gradients, e.g. ``fp16_compress_hook``; see
            ``torch.distributed.algorithms.ddp_comm_hooks``.
        ddp_comm_wrapper: wraps the hook, e.g. ``fp16_compress_wrapper``.
        model_averaging_period: with a ``PostLocalSGDState``, average the weights every so many optimizer steps.
        process_group_backend: torch's name of what transports tensors; by default nccl on CUDA, gloo on the CPU.
        timeout: how long a collective may take.
        start_method: ``"popen"`` runs the program again for each further process; ``"spawn"``, ``"fork"`` and
            ``"forkserver"`` run the Trainer's call in worker processes.
        join: let processes that have run out of batches stand by until all have, rather than refuse uneven data. Each
            step then has one more, small, collective (``torch.distributed.algorithms.Join``).
        kwargs: for ``DistributedDataParallel``: ``find_unused_parameters``, ``static_graph``,
            ``gradient_as_bucket_view``, ``bucket_cap_mb``, ``broadcast_buffers`` …

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
        ddp_comm_state: object | None = None,
        ddp_comm_hook: Callable[..., Any] | None = None,
        ddp_comm_wrapper: Callable[..., Any] | None = None,
        model_averaging_period: int | None = None,
        process_group_backend: str | None = None,
        timeout: timedelta | None = DEFAULT_TIMEOUT,
        start_method: str = "popen",
        *,
        join: bool = False,
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
        self.sync_batchnorm = False
        _check_options(kwargs)
        self._ddp_kwargs = kwargs
        self._ddp_comm_state = ddp_comm_state
        self._ddp_comm_hook = _callable("ddp_comm_hook", ddp_comm_hook)
        self._ddp_comm_wrapper = _callable("ddp_comm_wrapper", ddp_comm_wrapper)
        self._averaging = Averaging.of(model_averaging_period, ddp_comm_state)
        if not isinstance(join, bool):
            raise ArgumentTypeError.about("join", join, "True or False")
        self.join = join
        self._joining: Join | None = None
        self._handles: list[Any] = []
        self._batch_norms: dict[str, type[nn.Module]] = {}
        self._stepped = False

    @classmethod
    def from_name(cls, name: str) -> Self:
        base, _, unused = name.partition("_find_unused_parameters_")
        options: dict[str, Any] = {"find_unused_parameters": unused == "true"} if unused else {}
        return cls(start_method=METHODS[base], **options)

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        if self.start_method == "fork":
            # DistributedDataParallel imports it when it is made: once here is less than once in every worker.
            import_module("torch._dynamo")
        return super().launch(function, trainer)

    # -- placing ---------------------------------------------------------------------------------------------------

    def setup(self, module: nn.Module) -> nn.Module:
        """Place the module; in a fit, wrap it, so that gradients are averaged; else give it rank zero's weights."""
        fitting = self._state is None or self._state.fn is TrainerFn.FITTING
        if fitting and self.sync_batchnorm:
            self._batch_norms = convert_batch_norm(module)
        self.module = self.precision.convert_module(module)
        self.module.to(self.root_device)
        self.model, self._stepped = self.module, False
        trained = any(one.requires_grad for one in self.module.parameters())
        if fitting and trained:
            self._wrap()
        elif self._connected:
            _same_everywhere(self.module)
        return module

    def _wrap(self) -> None:
        device = self.root_device
        ids = None if device.type == "cpu" else [device.index]
        self.model = DistributedDataParallel(self.module, device_ids=ids, **self._ddp_kwargs)
        hook, wrapper = self._ddp_comm_hook, self._ddp_comm_wrapper
        if hook is not None:
            try:
                self.model.register_comm_hook(self._ddp_comm_state, wrapper(hook) if wrapper else hook)
            except (TypeError, ValueError, RuntimeError) as error:
                raise ConfigurationError(
                    f"ddp_comm_hook={getattr(hook, '__name__', hook)!r} is not possible with the process group "
                    f"{self.process_group_backend!r}: {error}"
                ) from error

    def setup_optimizers(self, optimizers: list[Optimizer]) -> list[Optimizer]:
        if self._averaging is not None:
            self._handles += self._averaging.follow(optimizers)
        if self.join:
            self._handles += [one.register_step_post_hook(self._after_step) for one in optimizers[-1:]]
        return super().setup_optimizers(optimizers)

    def teardown(self) -> None:
        for one in self._handles:
            one.remove()
        self._handles, self._joining = [], None
        if self.module is not None:
            revert_batch_norm(self.module, self._batch_norms)
        self._batch_norms = {}
        if self.devices and self.module is not None and self.root_device.type != "cpu":
            self.module.cpu()
        self.model = self.module
        super().teardown()

    # -- the step --------------------------------------------------------------------------------------------------

    def bind_step(self, name: str) -> Callable[..., Any]:
        """Training steps go through the wrapper, which prepares the averaging of their gradients; others do not."""
        step = super().bind_step(name)
        if name != "training_step" or not isinstance(self.model, DistributedDataParallel):
            return step
        if not getattr(self.module, "automatic_optimization", True):
            return manual_step(self.model, self.module, step)
        redirected = through_wrapper(self.model, self.module, step)
        return self._standing_by(redirected) if self.join else redirected

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        manual = not getattr(self.module, "automatic_optimization", True)
        if manual and isinstance(self.model, DistributedDataParallel):
            prepare_backward(self.model, loss)
        loss.backward(*args, **kwargs)
        self._stepped = True

    def no_backward(self) -> None:
        """Others wait for this process's gradients, except where they stay in each process."""
        if isinstance(self.model, DistributedDataParallel) and self.model.require_backward_grad_sync:
            super().no_backward()

    def no_sync(self) -> AbstractContextManager[Any]:
        """Gradients stay here until the batch that closes the window."""
        if not isinstance(self.model, DistributedDataParallel):
            return nullcontext()
        if self.model.static_graph and not self._stepped:
            # torch learns the graph in the first backward, and cannot do so without averaging.
            return nullcontext()
        return self.model.no_sync()

    # -- uneven data -----------------------------------------------------------------------------------------------

    def _standing_by(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._joining is None and self._connected:
                self._joining = Join([self.model])
                self._joining.__enter__()
            return step(*args, **kwargs)

        return call

    def _after_step(self, *_: Any) -> None:
        if self._state is not None and self._state.is_last_batch:
            self.stand_by()

    def stand_by(self) -> None:
        """Take part in the others' collectives until all processes have run out of batches."""
        joining, self._joining = self._joining, None
        if joining is not None and not self.alone:
            with self.collective("the others' training steps (join)"):
                joining.__exit__(None, None, None)

    def agree(self, point: str, batches: int | None = None) -> None:
        if self.join:
            self.stand_by()
            batches = None
        super().agree(point, batches)

    def synchronize_buffers(self) -> None:
        wrapped = isinstance(self.model, DistributedDataParallel)
        if self._connected and wrapped and _synchronizes_buffers(self.model):
            with self.collective("the broadcast of buffers"):
                for one in self.module.buffers():
                    torch.distributed.broadcast(one.detach(), 0)

    def on_exception(self, exception: BaseException) -> None:
        if "Expected to have finished reduction in the prior iteration" in str(exception):
            exception.add_note(
                "leyden: parameters took no part in the loss. If that is meant, write "
                "strategy='ddp_find_unused_parameters_true' or DDPStrategy(find_unused_parameters=True)."
            )


def convert_batch_norm(module: nn.Module) -> dict[str, type[nn.Module]]:
    """Let batch normalisation use the batches of all processes; returns the classes that it had, by path."""
    paths: dict[str, type[nn.Module]] = {
        path: type(one)
        for path, one in module.named_modules()
        if isinstance(one, nn.modules.batchnorm._BatchNorm) and not isinstance(one, SyncBatchNorm) and path
    }
    for path in paths:
        _put(module, path, SyncBatchNorm.convert_sync_batchnorm(module.get_submodule(path)))
    return paths


def revert_batch_norm(module: nn.Module, classes: dict[str, type[nn.Module]]) -> None:
    """Give batch normalisation its own classes back, with the parameters and statistics that it has now."""
    for path, cls in classes.items():
        plain = cls.__new__(cls)
        plain.__dict__.update(module.get_submodule(path).__dict__)
        plain.__dict__.pop("process_group", None)
        _put(module, path, plain)


def _put(module: nn.Module, path: str, child: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, child)


def _synchronizes_buffers(wrapper: DistributedDataParallel) -> bool:
    """Whether buffers are rank zero's in every forward, under either of the names that torch has for it."""
    names = ("forward_sync_buffers", "broadcast_buffers")
    return all(getattr(wrapper, name, True) is not False for name in names)


def _same_everywhere(module: nn.Module) -> None:
    for one in [*module.parameters(), *module.buffers()]:
        torch.distributed.broadcast(one.detach(), 0)


def _check_options(given: dict[str, Any]) -> None:
    unknown = [name for name in given if name not in OPTIONS]
    if unknown:
        raise ArgumentTypeError(
            f"DDPStrategy has no argument {unknown[0]!r}; for DistributedDataParallel there are {listed(OPTIONS)}. "
            f"{did_you_mean(unknown[0], OPTIONS)}".rstrip()
        )


def _callable(name: str, given: Any) -> Any:
    if given is not None and not callable(given):
        raise ArgumentTypeError.about(name, given, "None or a function")
    return given
