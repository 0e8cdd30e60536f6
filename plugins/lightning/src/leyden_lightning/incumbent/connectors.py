"""Lightning's connectors, as views of a Trainer. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from leyden.api import checkpoint as checkpoints
from leyden.api.callback import ordered
from leyden.api.calls import Call
from leyden.api.component_choice import choose
from leyden.api.keywords import check_keywords
from leyden.kernel.state import TrainerFn


class _Connector:
    """A part of a Trainer.

    Args:
        trainer: the Trainer.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer


class AcceleratorConnector(_Connector):
    """``trainer._accelerator_connector``; made without a Trainer, it chooses components as one would.

    Args:
        trainer: the Trainer.
        keywords: those of a Trainer that choose components, e.g. ``accelerator`` and ``devices``.
    """

    def __init__(self, trainer: Any = None, **keywords: Any) -> None:
        super().__init__(trainer if trainer is not None else _chosen(keywords))

    @property
    def is_distributed(self) -> bool:
        """Whether several processes, or a strategy for several, take part."""
        strategy = self.trainer.strategy
        return strategy.world_size > 1 or any(
            base.__name__ in ("ParallelStrategy", "DDPStrategy") for base in type(strategy).__mro__
        )

    @property
    def accelerator(self) -> Any:
        """The accelerator."""
        return self.trainer.accelerator

    @property
    def strategy(self) -> Any:
        """The strategy."""
        return self.trainer.strategy

    @property
    def precision_plugin(self) -> Any:
        """The precision."""
        return self.trainer.strategy.precision

    @property
    def cluster_environment(self) -> Any:
        """Where ranks come from."""
        return self.trainer.strategy.environment

    @property
    def parallel_devices(self) -> list[Any]:
        """The devices of this machine."""
        return list(self.trainer.strategy.devices)

    @property
    def _parallel_devices(self) -> list[Any]:
        return self.parallel_devices

    @property
    def _accelerator_flag(self) -> str:
        return str(self.trainer.accelerator.name)

    @property
    def _devices_flag(self) -> int | list[int]:
        indices: list[int] = self.trainer.device_ids
        return len(indices) if self._accelerator_flag == "cpu" else indices

    @property
    def _strategy_flag(self) -> Any:
        return self.trainer.strategy

    @property
    def _precision_flag(self) -> str:
        return str(self.trainer.strategy.precision.precision)

    def _choose_auto_accelerator(self, *ignored: Any) -> str:
        return _chosen({}).accelerator.name  # type: ignore[no-any-return]

    def _choose_strategy(self) -> Any:
        return self.trainer.strategy

    def _check_and_init_precision(self) -> Any:
        return self.trainer.strategy.precision

    @property
    def use_distributed_sampler(self) -> bool:
        """Whether each process gets its share of the data."""
        return bool(self.trainer.use_distributed_sampler)


def _chosen(keywords: Mapping[str, Any]) -> Any:
    """The components that a Trainer with these keywords would have."""
    holder = SimpleNamespace(use_distributed_sampler=keywords.get("use_distributed_sampler", True))
    choose(holder, check_keywords(keywords))  # type: ignore[arg-type]
    return holder


class CheckpointConnector(_Connector):
    """``trainer._checkpoint_connector``."""

    _loaded_checkpoint: dict[str, Any]

    def __init__(self, trainer: Any) -> None:
        super().__init__(trainer)
        self._loaded_checkpoint = {}

    def dump_checkpoint(self, weights_only: bool | None = None) -> dict[str, Any]:
        """The checkpoint of the running (or last) run."""
        return checkpoints.dump(self.trainer.session_to_save(), bool(weights_only))

    def save_checkpoint(
        self, filepath: Any, weights_only: bool | None = None, storage_options: Any = None
    ) -> None:
        """As ``trainer.save_checkpoint``."""
        self.trainer.save_checkpoint(filepath, weights_only, storage_options)

    def resume_start(self, checkpoint_path: Any = None, weights_only: bool | None = None) -> None:
        """Read a checkpoint, to restore parts of it."""
        if checkpoint_path is not None:
            self._loaded_checkpoint = self.trainer.checkpoint_io().load_checkpoint(
                checkpoint_path, "cpu", weights_only is not False
            )

    def resume_end(self) -> None:
        """Let go of what was read."""
        self._loaded_checkpoint = {}
        self.trainer.strategy.barrier("resume_end")

    def restore(self, checkpoint_path: Any = None, weights_only: bool | None = None) -> None:
        """Give everything its state from a checkpoint."""
        self.resume_start(checkpoint_path, weights_only)
        self.restore_model()
        self.restore_datamodule()
        self.restore_callbacks()
        self.restore_training_state()
        self.resume_end()

    def _parse_ckpt_path(
        self, state_fn: TrainerFn, ckpt_path: Any, model_provided: bool, model_connected: bool
    ) -> str | None:
        module = self.trainer.lightning_module if model_provided else None
        call = Call(
            state_fn, module if module is not None or not model_provided else self, None, {}, ckpt_path
        )
        return call.checkpoint(self.trainer) if model_connected else None

    def restore_model(self) -> None:
        """Give the module its state."""
        if self._loaded_checkpoint:
            module = self.trainer.lightning_module
            module.on_load_checkpoint(self._loaded_checkpoint)
            self.trainer.strategy.load_module_state_dict(
                self._loaded_checkpoint["state_dict"], strict=bool(module.strict_loading)
            )

    def restore_datamodule(self) -> None:
        """Give the data module its state."""
        data = self.trainer.datamodule
        if data is not None and type(data).__qualname__ in self._loaded_checkpoint:
            data.load_state_dict(self._loaded_checkpoint[type(data).__qualname__])

    def restore_callbacks(self) -> None:
        """Give the callbacks their states."""
        checkpoints.restore_callbacks(self.trainer.callbacks, self._loaded_checkpoint.get("callbacks") or {})

    def restore_training_state(self) -> None:
        """Give precision, optimizers, schedulers and counters their states."""
        if self._loaded_checkpoint:
            checkpoints.restore_training(self.trainer.running, self._loaded_checkpoint)
            checkpoints.restore_progress(self.trainer.running, self._loaded_checkpoint)


class CallbackConnector(_Connector):
    """``trainer._callback_connector``."""

    @staticmethod
    def _reorder_callbacks(callbacks: list[Any]) -> list[Any]:
        return ordered(callbacks)

    def _attach_model_callbacks(self) -> None:
        module = self.trainer.lightning_module
        self.trainer.add_module_callbacks(module.configure_callbacks())


class DataConnector(_Connector):
    """``trainer._data_connector``."""

    def attach_data(
        self,
        model: Any,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        test_dataloaders: Any = None,
        predict_dataloaders: Any = None,
        datamodule: Any = None,
    ) -> None:
        """Say which data the next call uses; kept by the Trainer's ``datamodule`` where one is given."""
        model.trainer = self.trainer
        if datamodule is not None:
            datamodule.trainer = self.trainer


class LoggerConnector(_Connector):
    """``trainer._logger_connector``."""

    @property
    def callback_metrics(self) -> Mapping[str, Any]:
        """Metrics for those who monitor."""
        metrics: Mapping[str, Any] = self.trainer.callback_metrics
        return metrics

    @property
    def logged_metrics(self) -> Mapping[str, Any]:
        """Metrics as the loggers got them."""
        metrics: Mapping[str, Any] = self.trainer.logged_metrics
        return metrics

    @property
    def progress_bar_metrics(self) -> Mapping[str, Any]:
        """Numbers for the progress bar."""
        metrics: Mapping[str, Any] = self.trainer.progress_bar_metrics
        return metrics

    @property
    def should_update_logs(self) -> bool:
        """Whether the running batch is written to the loggers."""
        return bool(self.trainer.running.metrics.due())

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write metrics to the loggers.

        Args:
            metrics: numbers or scalar tensors by name; one called ``step`` is the x-axis.
            step: the x-axis; that of the running batch when ``None``.
        """
        session = self.trainer.running
        values = {name: value for name, value in metrics.items() if name != "step"}
        axis = metrics.get("step", step)
        tensors = {name: _tensor(value) for name, value in values.items()}
        session.metrics.write(tensors, int(session.log_axis() if axis is None else axis))


def _tensor(value: Any) -> Any:
    import torch

    return value if isinstance(value, torch.Tensor) else torch.tensor(float(value))


class SignalConnector(_Connector):
    """``trainer._signal_connector``."""

    @property
    def received_sigterm(self) -> bool:
        """Whether the process was asked to end."""
        return bool(self.trainer.received_sigterm)
