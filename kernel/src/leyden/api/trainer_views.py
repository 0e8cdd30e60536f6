"""What a Trainer shows of itself and of its run. Nothing here decides anything."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from leyden.api.loop_views import EvaluationLoopView
from leyden.api.loop_views import FitLoopView as FitLoopView
from leyden.api.rank_zero import rank_zero_info
from leyden.api.state_view import StateView as StateView
from leyden.interfaces.precision import Precision
from leyden.kernel.state import RunningStage, RunState, TrainerStatus

if TYPE_CHECKING:
    import torch

    from leyden.api.session import Session
    from leyden.interfaces.strategy import Strategy


class TrainerViews:
    """Read-only views of a Trainer, under Lightning's names."""

    run_state: RunState
    epochs_open: bool
    session: Session | None
    strategy: Strategy
    callbacks: list[Any]
    loggers: list[Any]
    default_root_dir: str
    device_ids: list[int]
    _module: Any
    _ckpt_path: str | None
    sticky_ckpt_path: str | None = None
    """What ``ckpt_path`` was set to; the calls that are given none take it."""

    # -- counters and stages -------------------------------------------------------------------------------------

    @property
    def current_epoch(self) -> int:
        """The running epoch; after a run, the number of epochs completed."""
        return self.run_state.counters.epoch

    @property
    def global_step(self) -> int:
        """Steps of all optimizers together."""
        return self.run_state.counters.optimizer_steps

    @property
    def is_last_batch(self) -> bool:
        """Whether the running training batch is the epoch's last."""
        return self.run_state.is_last_batch

    @property
    def should_stop(self) -> bool:
        """Whether the run ends as soon as min_epochs and min_steps allow; settable."""
        return self.run_state.should_stop

    @should_stop.setter
    def should_stop(self, value: bool) -> None:
        state, limits = self.run_state, self.run_state.limits
        if value and not state.should_stop and state.counters.epoch + 1 < limits.min_epochs:
            steps = limits.min_steps or None
            rank_zero_info(
                f"A stop was asked for. Not before min_epochs={limits.min_epochs}, min_steps={steps} is met."
            )
        state.should_stop = value

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C or an exception ended the last call."""
        return self.run_state.status is TrainerStatus.INTERRUPTED

    @property
    def min_epochs(self) -> int:
        """Epochs before which nothing stops the run."""
        return self.run_state.limits.min_epochs

    @property
    def min_steps(self) -> int | None:
        """Optimizer steps before which nothing stops the run."""
        return self.run_state.limits.min_steps or None

    @property
    def max_epochs(self) -> int | None:
        """The limit of epochs; -1 for none, ``None`` where a fit has yet to choose one."""
        if self.epochs_open:
            return None
        limit = self.run_state.limits.max_epochs
        return -1 if limit == inf else int(limit)

    @property
    def max_steps(self) -> int:
        """The limit of optimizer steps; -1 for none."""
        limit = self.run_state.limits.max_steps
        return -1 if limit == inf else int(limit)

    @property
    def check_val_every_n_epoch(self) -> int | None:
        """Validation runs in every so many epochs."""
        return self.run_state.limits.check_val_every_n_epoch

    @property
    def val_check_batch(self) -> float | None:
        """Validation runs every so many training batches, known once training data is loaded."""
        return self.run_state.val_batch_interval

    @property
    def num_sanity_val_steps(self) -> float:
        """Validation batches tried before training."""
        return self.run_state.limits.num_sanity_val_steps

    @property
    def training(self) -> bool:
        """Whether the training loop runs."""
        return self.run_state.stage is RunningStage.TRAINING

    @training.setter
    def training(self, value: bool) -> None:
        self.run_state.stage = RunningStage.TRAINING if value else None

    @property
    def validating(self) -> bool:
        """Whether a validation loop runs, the sanity check aside."""
        return self.run_state.stage is RunningStage.VALIDATING

    @validating.setter
    def validating(self, value: bool) -> None:
        self.run_state.stage = RunningStage.VALIDATING if value else None

    @property
    def testing(self) -> bool:
        """Whether the test loop runs."""
        return self.run_state.stage is RunningStage.TESTING

    @testing.setter
    def testing(self, value: bool) -> None:
        self.run_state.stage = RunningStage.TESTING if value else None

    @property
    def predicting(self) -> bool:
        """Whether the prediction loop runs."""
        return self.run_state.stage is RunningStage.PREDICTING

    @predicting.setter
    def predicting(self, value: bool) -> None:
        self.run_state.stage = RunningStage.PREDICTING if value else None

    @property
    def sanity_checking(self) -> bool:
        """Whether the sanity check runs."""
        return self.run_state.stage is RunningStage.SANITY_CHECKING

    @sanity_checking.setter
    def sanity_checking(self, value: bool) -> None:
        self.run_state.stage = RunningStage.SANITY_CHECKING if value else None

    @property
    def evaluating(self) -> bool:
        """Whether validation or test runs."""
        return self.run_state.stage is not None and self.run_state.stage.evaluating

    # -- loops ---------------------------------------------------------------------------------------------------

    @property
    def validate_loop(self) -> EvaluationLoopView:
        """The validation loop."""
        return EvaluationLoopView(self, "val")

    @property
    def test_loop(self) -> EvaluationLoopView:
        """The test loop."""
        return EvaluationLoopView(self, "test")

    @property
    def predict_loop(self) -> EvaluationLoopView:
        """The prediction loop."""
        return EvaluationLoopView(self, "predict")

    # -- metrics -------------------------------------------------------------------------------------------------

    @property
    def callback_metrics(self) -> dict[str, torch.Tensor]:
        """Metrics for those who monitor: scalar tensors by name."""
        return self._metrics("callback")

    @property
    def logged_metrics(self) -> dict[str, torch.Tensor]:
        """Metrics as the loggers got them."""
        return self._metrics("logged")

    @property
    def progress_bar_metrics(self) -> dict[str, float]:
        """Numbers for the progress bar; reading them waits for the device."""
        return self._metrics("bar")

    def metric_batch(self, key: str) -> int | None:
        """How many training batches were completed when a callback metric got its value; ``None`` when it has none.

        Values of a training step are of the batch before it is counted; those of validation, of after. One that was
        put into ``callback_metrics`` by hand is always of now: whoever put it there knows when.
        """
        metrics = self.callback_metrics
        born = self.session.metrics.born.get(key) if self.session is not None else None
        return self.run_state.counters.batches if born is None and key in metrics else born

    def _metrics(self, view: str) -> dict[str, Any]:
        if self.session is None:
            early: dict[str, dict[str, Any]] = vars(self).setdefault("_early_metrics", {})
            return early.setdefault(view, {})
        self.session.metrics.refresh()
        found: dict[str, Any] = getattr(self.session.metrics, view)
        return found

    # -- components ----------------------------------------------------------------------------------------------

    @property
    def lightning_module(self) -> Any:
        """The module of the running or last run."""
        return self._module

    @property
    def model(self) -> Any:
        """The module, wrapped as the strategy runs it."""
        return self.strategy.model if self.strategy.model is not None else self._module

    @property
    def datamodule(self) -> Any:
        """The data module of the running or last run."""
        return self.session.datamodule if self.session is not None else None

    @property
    def precision_plugin(self) -> Precision:
        """The precision component."""
        return self.strategy.precision

    @property
    def precision(self) -> str:
        """The name of the precision."""
        return self.strategy.precision.precision

    @property
    def scaler(self) -> Any:
        """The precision's gradient scaler, if it has one."""
        return getattr(self.strategy.precision, "scaler", None)

    @property
    def optimizers(self) -> list[Any]:
        """The torch optimizers."""
        step = self.session.step if self.session is not None else None
        return list(step.optimizers) if step is not None else list(self.strategy.optimizers)

    @optimizers.setter
    def optimizers(self, optimizers: list[Any]) -> None:
        step = self.session.step if self.session is not None else None
        if step is not None:
            step.take_optimizers(optimizers)
        else:
            self.strategy.optimizers = list(optimizers)

    @property
    def lr_scheduler_configs(self) -> list[Any]:
        """The learning-rate schedulers with their settings."""
        step = self.session.step if self.session is not None else None
        return list(step.schedulers) if step is not None else []

    @property
    def global_rank(self) -> int:
        """The rank of this process among all."""
        return self.strategy.global_rank

    @property
    def local_rank(self) -> int:
        """The rank of this process on its machine."""
        return self.strategy.local_rank

    @property
    def node_rank(self) -> int:
        """The rank of this machine."""
        return self.strategy.node_rank

    @property
    def world_size(self) -> int:
        """How many processes take part."""
        return self.strategy.world_size

    @property
    def distributed_sampler_kwargs(self) -> dict[str, Any] | None:
        """What a ``DistributedSampler`` of the user's own needs; ``None`` with one process."""
        return getattr(self.strategy, "distributed_sampler_kwargs", None)

    @property
    def num_devices(self) -> int:
        """Devices on this machine."""
        return len(self.device_ids)

    @property
    def is_global_zero(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.strategy.is_global_zero

    # -- loggers and callbacks -----------------------------------------------------------------------------------

    @property
    def logger(self) -> Any:
        """The first logger."""
        return self.loggers[0] if self.loggers else None

    @logger.setter
    def logger(self, logger: Any) -> None:
        self.loggers = [] if logger is None else [logger]

    @property
    def log_dir(self) -> str | None:
        """The first logger's folder; ``default_root_dir`` without loggers."""
        if not self.loggers:
            return self.default_root_dir
        if self.session is not None and self.session.log_dir is not None:
            return self.session.log_dir  # what rank zero said when the loggers started
        return getattr(self.loggers[0], "log_dir", None) or getattr(self.loggers[0], "save_dir", None)

    @property
    def checkpoint_callbacks(self) -> list[Any]:
        """Callbacks that save checkpoints."""
        from leyden.api.callback import Checkpoint

        return [one for one in self.callbacks if isinstance(one, Checkpoint)]

    @property
    def checkpoint_callback(self) -> Any:
        """The first of them."""
        return next(iter(self.checkpoint_callbacks), None)

    @property
    def early_stopping_callbacks(self) -> list[Any]:
        """Callbacks that stop early."""
        return [
            one
            for one in self.callbacks
            if any(base.__name__ == "EarlyStopping" for base in type(one).__mro__)
        ]

    @property
    def early_stopping_callback(self) -> Any:
        """The first of them."""
        return next(iter(self.early_stopping_callbacks), None)

    @property
    def progress_bar_callback(self) -> Any:
        """The progress bar."""
        bars = (
            one for one in self.callbacks if any(base.__name__ == "ProgressBar" for base in type(one).__mro__)
        )
        return next(bars, None)

    @property
    def ckpt_path(self) -> str | None:
        """The checkpoint that the running call loaded."""
        return self.session.checkpoint_path if self.session is not None else self._ckpt_path

    @ckpt_path.setter
    def ckpt_path(self, path: str | None) -> None:
        self._ckpt_path = self.sticky_ckpt_path = path
        if self.session is not None:
            self.session.checkpoint_path = path

    # -- data ----------------------------------------------------------------------------------------------------

    @property
    def train_dataloader(self) -> Any:
        """The training data as the user gave it."""
        train = self.session.data.train if self.session is not None else None
        if train is None:
            return None
        return train.loader.combined.iterables if hasattr(train.loader, "combined") else train.loader

    @property
    def val_dataloaders(self) -> Any:
        """The validation loader, or the list of them."""
        return self._loaders("val")

    @property
    def test_dataloaders(self) -> Any:
        """The test loader, or the list of them."""
        return self._loaders("test")

    @property
    def predict_dataloaders(self) -> Any:
        """The loader of prediction, or the list of them."""
        return self._loaders("predict")

    def _evaluated(self, prefix: str) -> list[Any]:
        if self.session is None:
            return []
        from leyden.api.data import evaluation_key

        return list(self.session.data.evaluation.get(evaluation_key(self.run_state.fn, prefix), ()))

    def _loaders(self, prefix: str) -> Any:
        found = self._evaluated(prefix)
        if not found:
            return None
        return found[0].loader if len(found) == 1 else [one.loader for one in found]

    def _counts(self, prefix: str) -> list[float]:
        return [one.limit for one in self._evaluated(prefix)]

    @property
    def num_training_batches(self) -> float:
        """Training batches of an epoch; ``inf`` when the loader cannot tell or was not loaded yet."""
        train = self.session.data.train if self.session is not None else None
        return train.limit if train is not None else inf

    @property
    def num_val_batches(self) -> list[float]:
        """Validation batches of each loader."""
        return self._counts("val")

    @property
    def num_sanity_val_batches(self) -> list[float]:
        """Validation batches of each loader in the sanity check."""
        return [min(one, self.num_sanity_val_steps) for one in self._counts("val")]

    @property
    def num_test_batches(self) -> list[float]:
        """Test batches of each loader."""
        return self._counts("test")

    @property
    def num_predict_batches(self) -> list[float]:
        """Batches to predict of each loader."""
        return self._counts("predict")

    @property
    def enable_validation(self) -> bool:
        """Whether training is interrupted by validation."""
        return self.session.enable_validation if self.session is not None else False

    @property
    def validation_is_due(self) -> bool:
        """Whether validation follows the training batch that has just ended."""
        from leyden.kernel.loop import validation_due

        return self.session is not None and self.session.validating and validation_due(self.session)

    @property
    def estimated_stepping_batches(self) -> float:
        """Optimizer steps that the whole fit will take; loads the training data when that was not done."""
        session, limits = self.session, self.run_state.limits
        if session is None:
            return limits.max_steps
        if session.data.train is None:
            session.data.load_train()
        batches = self.num_training_batches
        if limits.max_epochs == inf or batches == inf:
            return limits.max_steps if limits.max_steps != inf else inf
        window = getattr(self, "accumulate_grad_batches", 1)
        return min(-(-batches // window) * max(limits.max_epochs, 1), limits.max_steps)
