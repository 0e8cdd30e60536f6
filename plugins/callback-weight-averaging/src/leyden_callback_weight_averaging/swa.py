"""``StochasticWeightAveraging``: averages the weights of the last epochs of a fit."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from math import inf
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import SWALR

from leyden import Callback
from leyden.api.optimizers import LRSchedulerConfig
from leyden.api.rank_zero import rank_zero_info
from leyden.api.steps import AutomaticStep
from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden.kernel.state import Point
from leyden_callback_weight_averaging import swa_arguments as arguments
from leyden_callback_weight_averaging.averaging import as_device
from leyden_callback_weight_averaging.sharded import refuse_sharding
from leyden_callback_weight_averaging.statistics import StatisticsStep, tracking

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

AverageFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


class StochasticWeightAveraging(Callback):
    """Averages the weights with which the last epochs begin, at a learning rate of its own (Izmailov et al., UAI 2018).

    From ``swa_epoch_start`` on, ``SWALR`` replaces the module's scheduler. When training ends, the module gets the
    average. Where it has batch normalization, one more epoch recomputes its statistics, without gradients or updates.

    Args:
        swa_lrs: the learning rate to anneal to; or one for each parameter group.
        swa_epoch_start: the first epoch to average, counted from 1; or, as a float, a fraction of ``max_epochs``.
        annealing_epochs: epochs until the learning rate is reached.
        annealing_strategy: ``"cos"`` or ``"linear"``.
        avg_fn: the average from the average so far, a parameter and the number averaged so far; the mean by default.
        device: where the average is kept; the device of the module when ``None``.

    Attributes:
        n_averaged: how many weights the average holds; ``None`` before the first fit.
        momenta: of the batch normalizations, while their statistics are recomputed.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible; in ``fit``, there are several optimizers or
            schedulers, the strategy shards the parameters, or ``max_epochs`` is -1 and ``swa_epoch_start`` a fraction.
    """

    def __init__(
        self,
        swa_lrs: float | list[float],
        swa_epoch_start: int | float = 0.8,
        annealing_epochs: int = 10,
        annealing_strategy: Literal["cos", "linear"] = "cos",
        avg_fn: AverageFunction | None = None,
        device: torch.device | str | None = torch.device("cpu"),  # noqa: B008 - a constant
    ) -> None:
        self._swa_lrs = arguments.rates(swa_lrs)
        self._swa_epoch_start = arguments.start(swa_epoch_start)
        self._annealing_epochs = arguments.epochs(annealing_epochs)
        self._annealing_strategy = arguments.strategy(annealing_strategy)
        self._avg_fn: AverageFunction = arguments.average(avg_fn) or self.avg_fn
        self._device = as_device(device)
        self._reset()

    def _reset(self) -> None:
        self.n_averaged: Tensor | None = None
        self.momenta: dict[nn.Module, float | None] = {}
        self._latest_update_epoch = -1
        self._average_model: LightningModule | None = None
        self._average_state: dict[str, Any] | None = None
        self._scheduler_state: dict[str, Any] | None = None
        self._swa_scheduler: Any = None
        self._max_epochs = 0
        self._first = 0
        self._extra_epoch = False

    @property
    def swa_start(self) -> int:
        """The first epoch to average, counted from 0; known in a fit."""
        return self._first

    @property
    def swa_end(self) -> float:
        """The last epoch to average, counted from 0; ``inf`` without a limit."""
        return inf if self._max_epochs == -1 else self._max_epochs - 1

    @staticmethod
    def pl_module_contains_batch_norm(pl_module: LightningModule) -> bool:
        """Whether a module normalizes batches."""
        return any(isinstance(one, _BatchNorm) for one in pl_module.modules())

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            refuse_sharding(trainer.strategy, self)
            self._reset()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._check(trainer, pl_module)
        self._max_epochs = trainer.max_epochs or 0
        start = self._swa_epoch_start
        epoch = int(self._max_epochs * start) if isinstance(start, float) else start
        self._first = max(epoch - 1, 0)
        if self._first > self.swa_end:
            if not trainer.fast_dev_run:
                warn(
                    "swa-never",
                    f"swa_epoch_start={start} comes after max_epochs={trainer.max_epochs}: nothing is averaged.",
                )
            return
        self._average_model = deepcopy(pl_module).to(self._device or pl_module.device)
        if self._average_state is not None:
            self._average_model.load_state_dict(self._average_state)
        if self._scheduler_state is not None:
            self._start(trainer)  # the checkpoint's state of schedulers is for this one
        if tracking(pl_module) and self._max_epochs != -1:
            self._extra_epoch = True
            trainer.fit_loop.max_epochs = self._max_epochs + 1

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        resumed_within = trainer.run_state.point is not Point.EPOCH_START
        if self._extra_epoch and resumed_within and trainer.current_epoch == self.swa_end + 1:
            self._remember_momenta(pl_module)
            self._skip_updates(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epoch, average = trainer.current_epoch, self._average_model
        if average is None:
            return
        if self.swa_start <= epoch <= self.swa_end:
            if self._swa_scheduler is None:
                self._start(trainer)
            if epoch > self._latest_update_epoch:
                assert self.n_averaged is not None
                self.update_parameters(average, pl_module, self.n_averaged, self._avg_fn)
                self._latest_update_epoch = epoch
        elif self._extra_epoch and epoch == self.swa_end + 1:
            self.transfer_weights(average, pl_module)
            self.reset_batch_norm_and_save_state(pl_module)
            self._skip_updates(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        extra, average = self._extra_epoch, self._average_model
        recomputed = extra and trainer.current_epoch - 1 == self.swa_end + 1
        self._finish(trainer)
        self.reset_momenta()
        if average is None or not self.n_averaged or recomputed:
            return
        if extra:
            warn(
                "swa-unfinished",
                "The fit ended before the epoch that recomputes the statistics of batch normalization for the averaged "
                "weights: the module keeps the weights of its last update.",
            )
        else:
            self.transfer_weights(average, pl_module)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            self._finish(trainer)
            self.reset_momenta()

    # -- steps of it ---------------------------------------------------------------------------------------------

    def _check(self, trainer: Trainer, pl_module: LightningModule) -> None:
        found = len(trainer.optimizers), len(trainer.lr_scheduler_configs)
        if found[0] != 1 or found[1] > 1:
            raise ConfigurationError(
                "StochasticWeightAveraging works with one optimizer and at most one scheduler; configure_optimizers "
                f"returned {found[0]} and {found[1]}."
            )
        groups = len(trainer.optimizers[0].param_groups)
        if isinstance(self._swa_lrs, list) and len(self._swa_lrs) != groups:
            raise ConfigurationError.about(
                "swa_lrs", self._swa_lrs, f"one number, or one for each of {groups} parameter group(s)"
            )
        if isinstance(self._swa_epoch_start, float) and trainer.max_epochs == -1:
            raise ConfigurationError.about(
                "swa_epoch_start",
                self._swa_epoch_start,
                "an int with max_epochs=-1, of which there is no fraction",
            )
        if tracking(pl_module) and not isinstance(trainer.running.step, AutomaticStep):
            raise ConfigurationError(
                "StochasticWeightAveraging recomputes the statistics of batch normalization without updates, and in "
                "manual optimization the module makes them. Use WeightAveraging, which averages statistics too."
            )

    def _start(self, trainer: Trainer) -> None:
        """Put the scheduler of the averaging epochs into the place of the module's."""
        step, optimizer = trainer.running.step, trainer.optimizers[0]
        rates = (
            self._swa_lrs
            if isinstance(self._swa_lrs, list)
            else [self._swa_lrs] * len(optimizer.param_groups)
        )
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["initial_lr"] = rate
        self._swa_scheduler = SWALR(
            optimizer,
            swa_lr=rates,  # type: ignore[arg-type]
            anneal_epochs=self._annealing_epochs,
            anneal_strategy=self._annealing_strategy,  # type: ignore[arg-type]
            last_epoch=trainer.max_epochs if self._annealing_strategy == "cos" else -1,
        )
        if self._scheduler_state is not None:
            self._swa_scheduler.load_state_dict(self._scheduler_state)
        if step.schedulers:
            before = step.schedulers[0]
            if before.interval != "epoch" or before.frequency != 1:
                warn(
                    "swa-interval",
                    f"SWALR steps every epoch, and {type(before.scheduler).__name__}, whose place it takes, every "
                    f"{before.frequency} {before.interval}(s).",
                )
            rank_zero_info(f"SWALR takes the place of {type(before.scheduler).__name__}.")
        step.schedulers[:] = [LRSchedulerConfig(self._swa_scheduler)]
        if self.n_averaged is None:
            self.n_averaged = torch.tensor(0)

    def _skip_updates(self, trainer: Trainer) -> None:
        session = trainer.running
        session.step.optimizers[0].zero_grad()
        session.step = StatisticsStep(session.step)

    def _finish(self, trainer: Trainer) -> None:
        session = trainer.session
        if session is not None and isinstance(session.step, StatisticsStep):
            session.step = session.step.step
        if self._extra_epoch:
            trainer.fit_loop.max_epochs, self._extra_epoch = self._max_epochs, False

    @staticmethod
    def transfer_weights(src_pl_module: LightningModule, dst_pl_module: LightningModule) -> None:
        """Copy the parameters of one module into another."""
        for source, target in zip(src_pl_module.parameters(), dst_pl_module.parameters(), strict=True):
            target.detach().copy_(source.to(target.device))

    def reset_batch_norm_and_save_state(self, pl_module: LightningModule) -> None:
        """Forget all statistics of batch normalization, and gather them with equal weights from now on."""
        self._remember_momenta(pl_module)
        for one in tracking(pl_module):
            one.reset_running_stats()

    def _remember_momenta(self, pl_module: LightningModule) -> None:
        self.momenta = {one: one.momentum for one in tracking(pl_module)}
        for one in tracking(pl_module):
            one.momentum = None

    def reset_momenta(self) -> None:
        """Give batch normalizations their momentum back."""
        for module, momentum in self.momenta.items():
            module.momentum = momentum  # type: ignore[assignment]
        self.momenta = {}

    @staticmethod
    def update_parameters(
        average_model: LightningModule, model: LightningModule, n_averaged: Tensor, avg_fn: AverageFunction
    ) -> None:
        """Add the parameters of a module to an average, and count it in place."""
        for average, parameter in zip(average_model.parameters(), model.parameters(), strict=True):
            held, new = average.detach(), parameter.detach().to(average.device)
            held.copy_(new if n_averaged == 0 else avg_fn(held, new, n_averaged.to(average.device)))
        n_averaged += 1

    @staticmethod
    def avg_fn(averaged_model_parameter: Tensor, model_parameter: Tensor, num_averaged: Tensor) -> Tensor:
        """The mean of all parameters averaged so far."""
        return averaged_model_parameter + (model_parameter - averaged_model_parameter) / (num_averaged + 1)

    # -- state ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        scheduler, average = self._swa_scheduler, self._average_model
        return {
            "n_averaged": 0 if self.n_averaged is None else int(self.n_averaged),
            "latest_update_epoch": self._latest_update_epoch,
            "scheduler_state": self._scheduler_state if scheduler is None else scheduler.state_dict(),
            "average_model_state": self._average_state if average is None else average.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.n_averaged = torch.tensor(state_dict["n_averaged"])
        self._latest_update_epoch = state_dict["latest_update_epoch"]
        self._scheduler_state = deepcopy(state_dict["scheduler_state"])
        self._average_state = state_dict["average_model_state"]
