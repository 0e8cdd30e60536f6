"""A session: everything that one call of fit, validate, test or predict needs, from set-up to teardown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import torch

from leyden.api import checkpoint as checkpoints
from leyden.api.checks import check_module, check_resumed
from leyden.api.data import Data, evaluation_key
from leyden.api.dialects import ask
from leyden.api.evaluation import EvaluationPass
from leyden.api.hparams import merged_hyper_parameters
from leyden.api.migrations import reading
from leyden.api.module import LightningModule
from leyden.api.optimizers import configure, refuse_several
from leyden.api.participants import arranged, hook_plugins
from leyden.api.ranks import own_part
from leyden.api.results import Results
from leyden.api.rng import isolate_rng
from leyden.api.unnamed import standard
from leyden.errors import UserCodeError
from leyden.kernel import loop
from leyden.kernel.run import Cleanup
from leyden.kernel.state import Point, RunningStage, TrainerFn
from leyden.kernel.table import annotate
from leyden.plugins.adapt import Participant, overridden
from leyden.plugins.catalogue import catalogue
from leyden.plugins.components import resolve
from leyden.plugins.errors import shown
from leyden.plugins.manager import Manager

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer

STAGES = {
    TrainerFn.FITTING: RunningStage.TRAINING,
    TrainerFn.VALIDATING: RunningStage.VALIDATING,
    TrainerFn.TESTING: RunningStage.TESTING,
    TrainerFn.PREDICTING: RunningStage.PREDICTING,
}


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let the strategy see what a phase of the run raises, before anybody else does."""

    @wraps(method)
    def call(self: Session, *args: Any) -> Any:
        with self.strategy.guard(self):
            return method(self, *args)

    return call


class Session:
    """One run, as kernel.run and kernel.loop see it.

    Args:
        trainer: whose configuration and state it uses.
        fn: what the user called.
        module: the module.
        datamodule: the data module, if any.
        loaders: loaders that the user passed, by prefix.
        checkpoint_path: what to load before the loop.
        weights_only: ``False`` lets that file run code.
        keep_predictions: whether ``predict`` returns them.
    """

    step: Any

    def __init__(
        self,
        trainer: Trainer,
        fn: TrainerFn,
        module: LightningModule,
        datamodule: Any,
        loaders: dict[str, Any],
        checkpoint_path: str | None,
        weights_only: bool | None,
        keep_predictions: bool,
    ) -> None:
        self.trainer, self.fn, self.module, self.datamodule = trainer, fn, module, datamodule
        self.state = trainer.run_state
        self.strategy = trainer.strategy
        self.accelerator = trainer.accelerator
        self.checkpoint_path, self.weights_only = checkpoint_path, weights_only
        self.keep_predictions = keep_predictions
        self.manager = Manager(self.state)
        self.hooks = self.manager.table
        self.metrics = Results(self)
        self.data = Data(self, loaders)
        self.evaluation_counts: dict[tuple[str, int], int] = trainer.evaluation_counts
        self.step = None
        self.plugins: list[Participant] | None = None
        self.validating = False
        self.log_dir: str | None = None
        self.samples_done: dict[str, Any] | None = None
        self.shared = False
        if trainer.session is not None and fn is not TrainerFn.FITTING:
            self._inherit(trainer.session)

    def _inherit(self, before: Session) -> None:
        """Keep what the Trainer still shows, and can still save, of the call before."""
        self.data.train = before.data.train
        own = evaluation_key(self.fn, STAGES[self.fn].dataloader_prefix)
        self.data.evaluation = {key: one for key, one in before.data.evaluation.items() if key != own}
        if before.module is self.module:
            self.step = before.step

    # -- kernel.run.Session --------------------------------------------------------------------------------------

    @_guarded
    def set_up(self, cleanup: Cleanup) -> None:
        """Everything before the loop, in Lightning's order."""
        state, trainer, module = self.state, self.trainer, self.module
        state.fn, state.stage = self.fn, STAGES[self.fn]
        if self.fn is TrainerFn.FITTING:
            state.point = Point.EPOCH_START  # an epoch that an earlier fit left unfinished begins anew
        self._attach(cleanup)
        self._join()
        added = self.in_hook("configure_callbacks", module.configure_callbacks)
        if trainer.add_module_callbacks(added):
            self._join()
        check_module(self)
        self._fire("leyden_run_start")
        cleanup.callback(self.strategy.teardown)
        cleanup.callback(self._finish_writing)
        self.strategy.setup_environment()
        self.strategy.module = self.module
        self._prepare_data()
        self._start_loggers(cleanup)
        cleanup.callback(self._fire, "teardown", str(self.fn))
        self._fire("setup", str(self.fn))
        with self.strategy.init_context():
            self.in_hook("configure_model", module.configure_model)
        self._load()

    def _join(self) -> None:
        """Let everybody listen; again when ``configure_callbacks`` brought more."""
        if self.plugins is None:
            self.plugins = hook_plugins(self, catalogue())
        for participant in list(self.manager.participants):
            self.manager.unregister(participant)
        self.manager.register(arranged(self, catalogue()))

    def _load(self) -> None:
        saved = self._read_checkpoint()
        if saved is not None and not self.strategy.restore_after_setup:
            checkpoints.restore_model(self, saved)
        self.metrics.clear()
        self.strategy.setup(self.module)
        if self.fn is TrainerFn.FITTING:
            self._set_up_training()
            self._fire("on_fit_start")
        self._log_hyper_parameters()
        if saved is not None and self.strategy.restore_after_setup:
            checkpoints.restore_model(self, saved)
        if self.fn is TrainerFn.FITTING:
            if saved is not None:
                self._resume(saved)
            self.module.zero_grad()
            checkpoints.restore_gradients(self, saved)

    @_guarded
    def loop(self) -> Any:
        """Run the loop; gradients are off wherever nothing is trained."""
        if self.fn is TrainerFn.FITTING:
            torch.set_grad_enabled(True)
            loop.fit(self)
            self._restore_randomness()  # where nothing was left to be trained
            return None
        return loop.evaluate(self, STAGES[self.fn])

    @_guarded
    def finish(self) -> None:
        """What follows a loop that ended well."""
        if self.fn is TrainerFn.FITTING:
            self._fire("on_fit_end")

    # -- set-up --------------------------------------------------------------------------------------------------

    def _attach(self, cleanup: Cleanup) -> None:
        module, trainer = self.module, self.trainer
        ask("attach", self, cleanup)
        module.trainer = trainer
        for one in module.modules():
            if isinstance(one, LightningModule):
                one.__dict__["_results"] = self.metrics
        cleanup.callback(self._detach)
        cleanup.callback(self.data.end_workers)
        if self.datamodule is not None:
            self.datamodule.trainer = trainer
        for callback in trainer.callbacks:
            callback.log, callback.log_dict = module.log, module.log_dict
        cleanup.callback(torch.set_grad_enabled, torch.is_grad_enabled())

    def _detach(self) -> None:
        self.metrics.freeze()
        for one in self.module.modules():
            if isinstance(one, LightningModule):
                one.__dict__["_results"] = None

    def _finish_writing(self) -> None:
        if self.strategy.checkpoint_io is not None:
            self.strategy.checkpoint_io.teardown()

    def _prepare_data(self) -> None:
        strategy = self.strategy
        owner = self.datamodule if self.datamodule is not None else self.module
        rank = strategy.local_rank if owner.prepare_data_per_node else strategy.global_rank
        if rank == 0:
            self._fire("prepare_data")
        strategy.barrier("prepare_data")

    def _start_loggers(self, cleanup: Cleanup) -> None:
        cleanup.callback(self._finalize)
        if self.strategy.is_global_zero:
            for logger in self.trainer.loggers:
                if hasattr(logger, "start"):
                    logger.start()
        if self.strategy.world_size > 1:
            self.log_dir = self.strategy.broadcast(self.trainer.log_dir)

    def _finalize(self) -> None:
        status = "failed" if self.state.status == "interrupted" else "success"
        if self.strategy.is_global_zero:
            self._fire("leyden_finalize", status)

    def _log_hyper_parameters(self) -> None:
        if not self.trainer.loggers or not self.strategy.is_global_zero:
            return
        if self.trainer.enable_autolog_hparams:
            params = merged_hyper_parameters(self.datamodule, self.module)
            if params is not None:
                self._fire("leyden_log_hyperparams", params)
        self._fire("leyden_log_graph")

    def _set_up_training(self) -> None:
        module = self.module
        with torch.enable_grad():
            configured = self.in_hook("configure_optimizers", configure, module)
            configured.optimizers = self.strategy.setup_optimizers(configured.optimizers)
            scheme = ask("scheme", self, configured)
            if scheme is None:
                if configured.frequencies or module.automatic_optimization:
                    refuse_several(configured)
                name = "automatic" if module.automatic_optimization else "manual"
                scheme = resolve("steps", standard("leyden.steps", name))
            self.step = scheme(self, configured)
        self.validating = self.enable_validation

    @property
    def enable_validation(self) -> bool:
        """Whether training is interrupted by validation."""
        trainer = self.trainer
        wanted = trainer.limit_val_batches if not trainer.overfit_batches else trainer.overfit_batches
        own_step = overridden(self.module, "validation_step", LightningModule)
        return bool(wanted) and self.data.defined("val") and own_step is not None

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def _read_checkpoint(self) -> dict[str, Any] | None:
        if self.strategy.world_size > 1:
            self.checkpoint_path = self.strategy.broadcast(self.checkpoint_path)
        if self.checkpoint_path is None:
            return None
        safe, loaded = self.weights_only is not False, None
        with reading(self.checkpoint_path) as migrated:
            if self.hooks.leyden_read_checkpoint:
                loaded = self.hooks.leyden_read_checkpoint(
                    self.trainer, self.module, self.checkpoint_path, "cpu", safe
                )
            if loaded is None:
                loaded = self.trainer.checkpoint_io().load_checkpoint(self.checkpoint_path, "cpu", safe)
            return own_part(self, migrated(loaded))

    def _resume(self, saved: Mapping[str, Any]) -> None:
        saved = dict(saved)
        checkpoints.compare_plugins(self, saved)
        checkpoints.restore_training(self, saved)
        checkpoints.restore_progress(self, saved)
        check_resumed(self)
        self._randomness = saved

    def plugins_in_use(self) -> list[list[str]]:
        """Distribution and version of everything that takes part, for checkpoints."""
        return [list(one) for one in self.trainer.distributions_in_use(self)]

    # -- kernel.work.Work ----------------------------------------------------------------------------------------

    @property
    def train(self) -> Any:
        """The training data."""
        return self.data.train

    def load_training_data(self) -> None:
        """Build the training loader."""
        trainer = self.trainer
        if not trainer.limit_train_batches and not trainer.overfit_batches:
            return
        self.metrics.start(self.metrics.train)
        if self.data.train is None:
            self.data.load_train()

    def load_validation_data(self) -> None:
        """Build the validation loader when the first epoch validates; then randomness is what a checkpoint says."""
        every = self.state.limits.check_val_every_n_epoch
        if self.validating and (every is None or (self.state.counters.epoch + 1) % every == 0):
            self.state.stage = RunningStage.VALIDATING
            self.data.load_evaluation(RunningStage.VALIDATING)
            self.state.stage = RunningStage.TRAINING
        self._restore_randomness()

    def _restore_randomness(self) -> None:
        saved = self.__dict__.pop("_randomness", None)
        if saved is not None:
            checkpoints.restore_randomness(self, saved)

    def start_epoch(self) -> None:
        """Reload the loaders when that is due and tell samplers the epoch."""
        self.state.stage = RunningStage.TRAINING
        fresh = self.state.point is Point.EPOCH_START
        self.metrics.start(self.metrics.train)
        self.metrics.on_step = not fresh
        self.data.start_epoch(fresh)
        self.data.set_epoch(self.data.train.loader if self.data.train else None, self.state.counters.epoch)

    def end_batches(self) -> None:
        """The batches of a training epoch are over: all processes must have had as many."""
        self.agree(f"the end of training epoch {self.state.counters.epoch}")

    def agree(self, point: str) -> None:
        """All processes come to the same point, after as many training batches."""
        self.strategy.agree(point, self.state.counters.batches)

    def sanity_check_due(self) -> bool:
        """Whether validation is tried before training: on fresh runs that validate."""
        fresh = self.state.counters.batches == 0 and self.checkpoint_path is None
        return fresh and self.enable_validation and self.state.limits.num_sanity_val_steps > 0

    @contextmanager
    def sanity_check(self) -> Iterator[None]:
        """Limit validation to the first batches, drop its metrics, and leave the random generators alone."""
        state = self.state
        state.stage = RunningStage.SANITY_CHECKING
        self.metrics.start(self.metrics.evaluation)
        with isolate_rng():
            yield
        self.data.after_sanity_check()
        self.metrics.clear()
        self.evaluation_counts.clear()
        state.point = Point.EPOCH_START
        state.stage = RunningStage.TRAINING

    def zero_grad_before_validation(self) -> None:
        """Release gradients so that validation has the memory."""
        self._fire("on_validation_model_zero_grad")
        if not self.overrides("on_validation_model_zero_grad"):
            self.module.zero_grad()

    @contextmanager
    def evaluation(self, stage: RunningStage) -> Iterator[EvaluationPass]:
        """One pass without gradients, with metrics of its own."""
        state, results = self.state, self.metrics
        outer, outer_step = results.current, results.on_step
        if self.fn is TrainerFn.FITTING:
            self.agree("the beginning of validation")
        results.settle()
        state.stage = stage
        results.start(results.evaluation)
        if self.fn is TrainerFn.FITTING:
            self.strategy.synchronize_buffers()
        inference = self.fn is not TrainerFn.FITTING and self.trainer.inference_mode
        with torch.inference_mode() if inference else torch.no_grad():
            evaluation = EvaluationPass(self, stage)
            try:
                yield evaluation
            except BaseException:
                evaluation.restore_modes()
                raise
        results.evaluation.reset()
        results.evaluation.batch = None
        results.current, results.on_step = outer, outer_step

    def ends_epoch(self, results: list[Any]) -> bool:
        """Whether a listener of ``on_train_batch_start`` asked to end the epoch.

        Raises:
            leyden.errors.UserCodeError: one returned something other than -1 and ``None``.
        """
        wrong = [one for one in results if isinstance(one, bool) or not isinstance(one, int) or one != -1]
        if wrong:
            raise UserCodeError(
                f"on_train_batch_start returned {shown(wrong[0])}; allowed are None and -1 (end the epoch)."
            )
        return True

    # -- small things --------------------------------------------------------------------------------------------

    def log_axis(self) -> int:
        """The x-axis of what is logged now: updates, not counting the running batch's."""
        return self.state.counters.updates

    def overrides(self, hook: str) -> bool:
        """Whether the module has a hook of its own."""
        return overridden(self.module, hook, LightningModule) is not None

    def in_hook(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        """Call a method of the user's so that ``self.log`` in it knows where it is."""
        outer, self.state.hook = self.state.hook, name
        try:
            return call(*args)
        except BaseException as error:
            annotate(error, f"raised in {name} of {type(getattr(call, '__self__', self.module)).__name__}")
            raise
        finally:
            self.state.hook = outer

    def _fire(self, name: str, *args: Any) -> None:
        loop.fire(self, name, *args)
