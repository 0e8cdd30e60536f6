"""``DeviceStatsMonitor``: writes figures about the devices to the loggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class DeviceStatsMonitor(Callback):
    """Writes what the accelerator says of its device, before and after every ``log_every_n_steps``-th batch.

    Names are ``DeviceStatsMonitor.<hook>/<figure>``; the x-axis is updates. On CPUs, figures are the load of the
    machine in percent; on CUDA, ``torch.cuda.memory_stats``, in bytes. Rank zero writes of its own device.

    Args:
        cpu_stats: with those of the CPU; ``None``: where it is the accelerator.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible; in ``fit``, the Trainer has no logger.
    """

    def __init__(self, cpu_stats: bool | None = None) -> None:
        if cpu_stats is not None and not isinstance(cpu_stats, bool):
            raise ArgumentTypeError.about("cpu_stats", cpu_stats, "True, False or None")
        self._cpu_stats = cpu_stats
        self._batches = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit" and not trainer.loggers and not trainer.fast_dev_run:
            raise ConfigurationError(
                "DeviceStatsMonitor needs a logger, and this Trainer has none. Pass logger=True or a logger to "
                "Trainer, or leave the callback out."
            )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._write_if_due(trainer, "on_train_batch_start", trainer.run_state.counters.updates + 1)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._write_if_due(trainer, "on_train_batch_end", trainer.run_state.counters.updates + 1)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._batches = 0

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._batches += 1
        self._write_if_due(trainer, "on_validation_batch_start", self._batches)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._write_if_due(trainer, "on_validation_batch_end", self._batches)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._batches = 0

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._batches += 1
        self._write_if_due(trainer, "on_test_batch_start", self._batches)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._write_if_due(trainer, "on_test_batch_end", self._batches)

    def _write_if_due(self, trainer: Trainer, hook: str, count: int) -> None:
        every = trainer.log_every_n_steps
        if every and (count % every == 0 or trainer.should_stop) and trainer.is_global_zero:
            self._write(trainer, hook)

    def _write(self, trainer: Trainer, hook: str) -> None:
        if not trainer.loggers or trainer.sanity_checking:
            return
        figures = self._figures(trainer)
        counters, stage = trainer.run_state.counters, trainer.state.stage
        for logger in trainer.loggers if figures else ():
            prefix = f"{type(self).__qualname__}.{hook}{getattr(logger, 'group_separator', '/')}"
            metrics = {prefix + name: value for name, value in figures.items()}
            if hasattr(logger, "log_record"):
                place = (counters.updates, counters.epoch, counters.batches, str(stage))
                logger.log_record(Record(metrics, *place, with_epoch=False))
            else:
                logger.log_metrics(metrics, counters.updates)

    def _figures(self, trainer: Trainer) -> dict[str, float]:
        device = trainer.strategy.root_device
        on_cpu = device.type == "cpu"
        if on_cpu and self._cpu_stats is False:
            return {}
        figures = dict(trainer.accelerator.get_device_stats(device))
        # the accelerator of the CPU says the same, and asking twice in a row gives no load
        if (on_cpu and not figures) or (self._cpu_stats and not on_cpu):
            figures.update(machine_load())
        return figures


def machine_load() -> dict[str, float]:
    """The load of the whole machine in percent since it was asked for last: processors, memory, swap."""
    import psutil

    return {
        "cpu_vm_percent": psutil.virtual_memory().percent,
        "cpu_percent": psutil.cpu_percent(),
        "cpu_swap_percent": psutil.swap_memory().percent,
    }
