"""The LightningModule: a model together with its training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.compiler import is_dynamo_compiling
from torch.optim import Optimizer

from leyden.api.class_only import class_only
from leyden.api.compiled import graph_output, without_compiled
from leyden.api.data_hooks import DataHooks
from leyden.api.errors_of_users import not_implemented
from leyden.api.export import ExportMethods
from leyden.api.hparams import HyperparametersMixin
from leyden.api.model_hooks import ModelHooks
from leyden.api.warn import warn
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, DetachedError

if TYPE_CHECKING:
    from leyden.api.logger import Logger
    from leyden.api.optimizers import LightningOptimizer
    from leyden.api.results import Results
    from leyden.api.trainer import Trainer


class LightningModule(DataHooks, ModelHooks, ExportMethods, HyperparametersMixin, nn.Module):
    """An ``nn.Module`` that also says how it is trained, validated, tested and used.

    Attributes:
        automatic_optimization: whether ``training_step``'s loss is differentiated and applied for you.
        example_input_array: an input of ``forward``, for summaries, graphs and exports.
        strict_loading: whether every key of a checkpoint must fit the module and the other way round.
    """

    automatic_optimization: bool = True
    example_input_array: Any = None
    strict_loading: bool = True
    CHECKPOINT_HYPER_PARAMS_KEY: ClassVar[str] = "hyper_parameters"
    CHECKPOINT_HYPER_PARAMS_NAME: ClassVar[str] = "hparams_name"
    CHECKPOINT_HYPER_PARAMS_TYPE: ClassVar[str] = "hparams_type"
    # torch.jit compiles every property and attribute but these.
    __jit_ignored_attributes__: ClassVar[list[str]] = [
        "_results", "_trainer", "automatic_optimization", "example_input_array", "strict_loading",
    ]  # fmt: skip
    __jit_unused_properties__: ClassVar[list[str]] = [
        "current_epoch", "device", "device_mesh", "dtype", "example_input_array", "global_rank", "global_step",
        "hparams", "hparams_initial", "local_rank", "logger", "loggers", "on_gpu", "strict_loading", "trainer",
    ]  # fmt: skip
    _trainer: Trainer | None
    _results: Results | None
    _compiler_ctx: dict[str, Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = (
            self.__dict__
        )  # nn.Module.__setattr__ costs about 1 µs a write, and these are written in every run
        own["_trainer"] = own["_results"] = own["_device_found"] = None

    # -- what the user writes ------------------------------------------------------------------------------------

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the loss of one batch.

        Args:
            args: ``batch`` and, when the method takes it, ``batch_idx``.

        Returns:
            The loss, a mapping with ``loss``, or ``None`` to skip the batch.
        """
        raise not_implemented(self, "training_step")

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        """Judge one validation batch: ``batch``, ``batch_idx`` and, with several loaders, ``dataloader_idx``."""
        raise not_implemented(self, "validation_step")

    def test_step(self, *args: Any, **kwargs: Any) -> Any:
        """Judge one test batch."""
        raise not_implemented(self, "test_step")

    def predict_step(self, *args: Any, **kwargs: Any) -> Any:
        """Predict one batch; the default calls the module with the batch."""
        return self(kwargs.get("batch", args[0] if args else None))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output for an input."""
        raise not_implemented(self, "forward")

    def configure_optimizers(self) -> Any:
        """Return the optimizers and learning-rate schedulers.

        Returns:
            One optimizer; a list of optimizers; ``(optimizers, schedulers)``; a dict with ``optimizer`` and perhaps
            ``lr_scheduler`` (a scheduler, or a dict with ``scheduler``, ``interval``, ``frequency``, ``monitor``,
            ``strict``, ``name``); a list of such dicts; or ``None`` to train nothing.
        """
        raise not_implemented(
            self, "configure_optimizers", "return None from it to train without an optimizer"
        )

    def configure_callbacks(self) -> Any:
        """Return callbacks to add to the Trainer's; one of the same type there is replaced."""
        return []

    # -- what the user may change --------------------------------------------------------------------------------

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Optimizer | LightningOptimizer,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """Apply the gradients.

        Args:
            epoch: the running epoch.
            batch_idx: the batch in the epoch.
            optimizer: the optimizer.
            optimizer_closure: computes loss and gradients; an override must let it be called.
        """
        optimizer.step(closure=optimizer_closure)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Release the gradients."""
        optimizer.zero_grad()

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step a scheduler; ``metric`` is ``None`` unless it watches one."""
        if metric is None:
            scheduler.step()
        else:
            scheduler.step(metric)

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Differentiate the loss."""
        loss.backward(*args, **kwargs)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradients before they are applied; called at every update."""
        self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def clip_gradients(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradients of an optimizer.

        Args:
            optimizer: whose parameters.
            gradient_clip_val: the bound; the Trainer's when ``None``.
            gradient_clip_algorithm: ``"norm"`` or ``"value"``; the Trainer's when ``None``.

        Raises:
            leyden.errors.ConfigurationError: the Trainer says otherwise, or the algorithm is unknown.
        """
        from leyden.api.clipping import clip

        clip(self, optimizer, gradient_clip_val, gradient_clip_algorithm)

    # -- manual optimization -------------------------------------------------------------------------------------

    def optimizers(self, use_pl_optimizer: bool = True) -> Any:
        """The optimizer, or the list of them.

        Args:
            use_pl_optimizer: wrapped, so that their steps are counted, scaled and seen by hooks; or bare.
        """
        step = self.trainer.running.step
        found = step.wrapped if use_pl_optimizer else step.optimizers
        return found[0] if len(found) == 1 else list(found)

    def lr_schedulers(self) -> Any:
        """The scheduler, the list of them, or ``None``."""
        found = [config.scheduler for config in self.trainer.lr_scheduler_configs]
        return None if not found else found[0] if len(found) == 1 else found

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Differentiate a loss in manual optimization, with scaling and hooks.

        Raises:
            leyden.errors.ConfigurationError: the module optimizes automatically.
        """
        if self.automatic_optimization:
            raise ConfigurationError(
                "manual_backward was called while automatic_optimization=True. Set self.automatic_optimization = False "
                "in __init__, or return the loss from training_step."
            )
        self.trainer.running.step.backward(loss, *args, **kwargs)

    def toggle_optimizer(self, optimizer: Optimizer | LightningOptimizer) -> None:
        """Let only the parameters of one optimizer require gradients, until :meth:`untoggle_optimizer`."""
        from leyden.api.optimizers import toggle

        toggle(self, optimizer)

    def untoggle_optimizer(self, optimizer: Optimizer | LightningOptimizer) -> None:
        """Give the other optimizers' parameters back what they had."""
        from leyden.api.optimizers import untoggle

        untoggle(self)

    @contextmanager
    def toggled_optimizer(self, optimizer: Optimizer | LightningOptimizer) -> Iterator[None]:
        """:meth:`toggle_optimizer` around a ``with`` statement."""
        self.toggle_optimizer(optimizer)
        try:
            yield
        finally:
            self.untoggle_optimizer(optimizer)

    # -- logging -------------------------------------------------------------------------------------------------

    def log(
        self,
        name: str,
        value: Any,
        prog_bar: bool = False,
        logger: bool | None = None,
        on_step: bool | None = None,
        on_epoch: bool | None = None,
        reduce_fx: str | Callable[..., Any] = "mean",
        enable_graph: bool = False,
        sync_dist: bool = False,
        sync_dist_group: Any = None,
        add_dataloader_idx: bool = True,
        batch_size: int | None = None,
        metric_attribute: str | None = None,
        rank_zero_only: bool = False,
        axis: str | None = None,
    ) -> None:
        """Log a value: for the loggers, the progress bar, and whoever monitors it.

        Args:
            name: the metric's name.
            value: a number, a tensor of one element, or a torchmetrics ``Metric``; or a flat dict of these.
            prog_bar: show it in the progress bar.
            logger: write it to the loggers (default yes).
            on_step: use the value of each batch; the default depends on the hook.
            on_epoch: reduce the values over the epoch; the default depends on the hook.
            reduce_fx: how: ``"mean"`` (weighted by ``batch_size``), ``"sum"``, ``"min"`` or ``"max"``.
            enable_graph: keep the value attached to its graph.
            sync_dist: reduce over the processes as well.
            sync_dist_group: the process group for that.
            add_dataloader_idx: end the name with the loader's index when there are several.
            batch_size: samples in the batch; found in the batch when ``None``.
            metric_attribute: the name of the module's attribute that holds a ``Metric``, where it is not found.
            rank_zero_only: only rank zero logs it.
            axis: the x-axis in the loggers: ``"epoch"``, ``"batch"`` (training batches done), or the name of another
                metric that is logged; ``None`` and ``"step"`` are what Lightning has.

        Raises:
            leyden.errors.LeydenError: the hook does not log, an argument is wrong, or they changed between calls.
        """
        results = self._results
        if results is None:
            if is_dynamo_compiling():
                return
            if self._trainer is not None:
                if self._trainer.barebones:
                    warn("log-barebones", "self.log does nothing under barebones=True.")
                    return
                raise ConfigurationError(
                    f"self.log({name!r}, …) is not possible now: no loop of the Trainer is running."
                )
            warn("log-detached", f"self.log({name!r}, …) does nothing: no Trainer is running this module.")
            return
        arguments = (
            prog_bar,
            logger,
            on_step,
            on_epoch,
            reduce_fx,
            enable_graph,
            sync_dist,
            sync_dist_group,
            add_dataloader_idx,
            metric_attribute,
            rank_zero_only,
            axis,
        )
        if is_dynamo_compiling():
            # What follows cannot be in a graph. An append can: the compiled step does it as a side effect.
            results.pending.append(
                (results.state.hook, name, graph_output(value, enable_graph), batch_size, arguments)
            )
            return
        results.log(name, value, batch_size, arguments)

    def log_dict(
        self,
        dictionary: Mapping[str, Any],
        prog_bar: bool = False,
        logger: bool | None = None,
        on_step: bool | None = None,
        on_epoch: bool | None = None,
        reduce_fx: str | Callable[..., Any] = "mean",
        enable_graph: bool = False,
        sync_dist: bool = False,
        sync_dist_group: Any = None,
        add_dataloader_idx: bool = True,
        batch_size: int | None = None,
        rank_zero_only: bool = False,
        axis: str | None = None,
    ) -> None:
        """Log several values; as :meth:`log`. ``dictionary`` may be a torchmetrics ``MetricCollection``."""
        if not hasattr(dictionary, "items"):
            raise ArgumentTypeError.about(
                "self.log_dict(dictionary)",
                dictionary,
                f"a mapping of names to values, not a {type(dictionary).__name__}",
            )
        collection: Any = dictionary  # torchmetrics' items takes an argument that Mapping's has not
        how: dict[str, bool] = {}
        if hasattr(dictionary, "compute_groups"):
            how = {"keep_base": False}
            if getattr(dictionary, "_enable_compute_groups", False):
                how["copy_state"] = False  # its metrics share one state until it is read
        for name, value in collection.items(**how):
            self.log(
                name,
                value,
                prog_bar,
                logger,
                on_step,
                on_epoch,
                reduce_fx,
                enable_graph,
                sync_dist,
                sync_dist_group,
                add_dataloader_idx,
                batch_size,
                rank_zero_only=rank_zero_only,
                axis=axis,
            )

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print on rank zero alone."""
        if self.trainer.is_global_zero:
            self.trainer.print(*args, **kwargs)

    # -- where it stands -----------------------------------------------------------------------------------------

    @property
    def trainer(self) -> Trainer:
        """The Trainer that runs this module.

        Raises:
            leyden.errors.DetachedError: none does.
        """
        found = self._trainer
        if found is None:
            raise DetachedError(
                f"{type(self).__name__} is not attached to a Trainer: it is while a run goes on."
            )
        return found

    @trainer.setter
    def trainer(self, trainer: Trainer | None) -> None:
        for module in self.modules():
            if isinstance(module, LightningModule):
                module.__dict__["_trainer"] = trainer

    @property
    def logger(self) -> Logger | None:
        """The Trainer's first logger."""
        return self._trainer.logger if self._trainer is not None else None

    @property
    def loggers(self) -> list[Logger]:
        """The Trainer's loggers."""
        return self._trainer.loggers if self._trainer is not None else []

    @property
    def current_epoch(self) -> int:
        """The running epoch; 0 without a Trainer."""
        return self._trainer.current_epoch if self._trainer is not None else 0

    @property
    def global_step(self) -> int:
        """Optimizer steps so far; 0 without a Trainer."""
        return self._trainer.global_step if self._trainer is not None else 0

    @property
    def global_rank(self) -> int:
        """The rank of this process among all."""
        return self._trainer.global_rank if self._trainer is not None else 0

    @property
    def local_rank(self) -> int:
        """The rank of this process on its machine."""
        return self._trainer.local_rank if self._trainer is not None else 0

    @property
    def on_gpu(self) -> bool:
        """Whether the module is on a CUDA device."""
        return self.device.type == "cuda"

    @property
    def device(self) -> torch.device:
        """The device of the parameters (or buffers); cpu when there are none."""
        own = self.__dict__
        if own.get("_device_found") is None:
            first: Tensor | None = next(self.parameters(), None)
            first = first if first is not None else next(self.buffers(), None)
            own["_device_found"] = first.device if first is not None else torch.device("cpu")
        found: torch.device = own["_device_found"]
        return found

    @property
    def device_mesh(self) -> Any:
        """The mesh of devices that the strategy lays parameters out on; ``None`` where it has none."""
        return getattr(self._trainer.strategy, "device_mesh", None) if self._trainer is not None else None

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the first floating-point parameter; torch's default when there is none."""
        found = next((one.dtype for one in self.parameters() if one.is_floating_point()), None)
        return found or torch.get_default_dtype()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        for module in self.modules():
            if isinstance(module, LightningModule):
                module.__dict__["_device_found"] = None
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_trainer": None, "_results": None}
        state.pop("_compiled_call_impl", None)  # compiled code belongs to this object and cannot be pickled
        if state.pop("_compiler_ctx", None) is not None:
            return without_compiled(self, state)
        return state

    # -- collectives and conveniences ----------------------------------------------------------------------------

    def all_gather(self, data: Any, group: Any = None, sync_grads: bool = False) -> Any:
        """Gather tensors of all processes along a new first dimension, in any nesting of containers."""
        from leyden.api.transfer import map_nested

        strategy = self.trainer.strategy

        def gather(value: Any) -> Any:
            tensor = value if isinstance(value, Tensor) else torch.tensor(value, device=strategy.root_device)
            return strategy.all_gather(tensor, group=group, sync_grads=sync_grads)

        return map_nested(data, lambda value: isinstance(value, Tensor | int | float), gather)

    def freeze(self) -> Self:
        """Require no gradients, and go into evaluation mode."""
        for parameter in self.parameters():
            parameter.requires_grad = False
        return self.eval()

    def unfreeze(self) -> Self:
        """Require gradients, and go into training mode."""
        for parameter in self.parameters():
            parameter.requires_grad = True
        return self.train()

    @class_only
    def load_from_checkpoint(
        cls,
        checkpoint_path: str | PathLike[str],
        map_location: Any = None,
        hparams_file: str | PathLike[str] | None = None,
        strict: bool | None = None,
        weights_only: bool | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a module from a checkpoint: its constructor arguments and its weights.

        Args:
            checkpoint_path: the file.
            map_location: the device to load to, as for ``torch.load``.
            hparams_file: a YAML file whose values take the place of the hyper-parameters in the checkpoint.
            strict: whether all keys must fit; the module's ``strict_loading`` when ``None``.
            weights_only: ``False`` allows the file to run code.
            kwargs: constructor arguments that override those in the checkpoint.

        Raises:
            leyden.errors.CheckpointError: the file is missing, damaged or unsafe.
            leyden.errors.ConfigurationError: constructor arguments are missing.
        """
        from leyden.api.loading import load_module

        made: Self = load_module(
            cls, checkpoint_path, map_location, hparams_file, strict, weights_only, kwargs
        )
        return made
