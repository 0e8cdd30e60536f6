"""``ThroughputMonitor``: writes how fast batches are worked off to the loggers."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from leyden import Callback
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError
from leyden.plugins.errors import did_you_mean, listed
from leyden_callback_throughput.flops import compute_dtype, get_available_flops
from leyden_callback_throughput.stopwatch import Stopwatch
from leyden_callback_throughput.throughput import Throughput

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


@dataclass
class Pass:
    """What is counted in a stage."""

    throughput: Throughput
    watch: Stopwatch
    pending: deque[dict[str, Any]]
    batches: int = 0
    samples: int = 0
    lengths: int = 0

    def flush(self) -> None:
        """Hand over what has happened since, with its times."""
        while self.pending:
            update = self.pending.popleft()
            self.throughput.update(**{**update, "time": self.watch.seconds(update["time"])})


class ThroughputMonitor(Callback):
    """Writes batches, samples, items and FLOPs a second to the loggers, every ``log_every_n_steps``.

    Names are ``<stage>/<figure>`` with the figures of :class:`Throughput`. FLOPs are counted where the module has an
    attribute ``flops_per_batch``; :func:`measure_flops` tells them. In training, validation is left out of the time,
    and a record follows an update, not a batch that accumulates. Rank zero measures and writes.

    Args:
        batch_size_fn: the number of samples of a batch.
        length_fn: the number of items (tokens, pixels …) of a batch.
        kwargs: for :class:`Throughput`: ``window_size``, ``separator``, and ``available_flops`` instead of the peak
            that :func:`get_available_flops` knows of the device.

    Attributes:
        available_flops: the peak of the device in FLOPs a second, where it is known.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    def __init__(
        self,
        batch_size_fn: Callable[[Any], int],
        length_fn: Callable[[Any], int] | None = None,
        **kwargs: Any,
    ) -> None:
        if not callable(batch_size_fn):
            raise ArgumentTypeError.about("batch_size_fn", batch_size_fn, "a function of a batch")
        if length_fn is not None and not callable(length_fn):
            raise ArgumentTypeError.about("length_fn", length_fn, "a function of a batch, or None")
        known = [one for one in inspect.signature(Throughput).parameters if one != "world_size"]
        for name in kwargs:
            if name not in known:
                text = f"ThroughputMonitor has no argument {name!r}; Throughput takes {listed(known)}."
                raise ArgumentTypeError(f"{text} {did_you_mean(name, known)}".rstrip())
        Throughput(**kwargs)  # refuses what is not possible
        self.batch_size_fn, self.length_fn, self.kwargs = batch_size_fn, length_fn, kwargs
        self.available_flops: float | None = kwargs.get("available_flops")
        self._passes: dict[str, Pass] = {}
        self._totals: dict[str, int] = {}
        self._has_flops = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._passes, self._totals = {}, {}

    def _start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        device = trainer.strategy.root_device
        self._has_flops = hasattr(pl_module, "flops_per_batch")
        if self._has_flops and self.available_flops is None:
            self.available_flops = get_available_flops(device, compute_dtype(trainer.precision))
        arguments = {**self.kwargs, "available_flops": self.available_flops, "world_size": trainer.world_size}
        throughput = Throughput(**arguments)
        pending: deque[dict[str, Any]] = deque(maxlen=throughput.window_size)
        self._passes[str(trainer.state.stage)] = Pass(throughput, Stopwatch(device), pending)

    def _update(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> Pass | None:
        one = self._passes.get(str(trainer.state.stage))
        if one is None:
            return None
        with torch.inference_mode():
            one.samples += int(self.batch_size_fn(batch))
            one.lengths += int(self.length_fn(batch)) if self.length_fn is not None else 0
        one.batches += 1
        one.pending.append(
            {
                "time": one.watch.lap(),
                "batches": one.batches,
                "samples": one.samples,
                "lengths": one.lengths if self.length_fn is not None else None,
                "flops": pl_module.flops_per_batch if self._has_flops else None,
            }
        )
        return one

    def _write(
        self, trainer: Trainer, pl_module: LightningModule, one: Pass, count: int, step: int | None
    ) -> None:
        every = trainer.log_every_n_steps
        if not every or (count % every and not trainer.should_stop):
            return
        one.flush()
        stage, counters = str(trainer.state.stage), trainer.run_state.counters
        separator = one.throughput.separator
        metrics = {f"{stage}{separator}{name}": value for name, value in one.throughput.compute().items()}
        hooks = trainer.running.hooks
        if hooks.leyden_log_metrics:
            axis = counters.updates if step is None else step
            record = Record(metrics, axis, counters.epoch, counters.batches, stage, with_epoch=step is None)
            hooks.leyden_log_metrics(trainer, pl_module, record)

    def _evaluated(self, trainer: Trainer, pl_module: LightningModule, batch: Any) -> None:
        one = self._update(trainer, pl_module, batch)
        if one is not None:
            stage = str(trainer.state.stage)
            total = self._totals[stage] = self._totals.get(stage, 0) + 1
            self._write(trainer, pl_module, one, one.batches, total)

    # -- hooks ---------------------------------------------------------------------------------------------------

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        one = self._update(trainer, pl_module, batch)
        if one is not None and not trainer.running.step.accumulating:
            self._write(trainer, pl_module, one, trainer.run_state.counters.updates + 1, None)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._evaluated(trainer, pl_module, batch)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        training = self._passes.get("train")
        if training is not None:
            training.watch.leave_out()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._evaluated(trainer, pl_module, batch)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._evaluated(trainer, pl_module, batch)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._passes = {}
