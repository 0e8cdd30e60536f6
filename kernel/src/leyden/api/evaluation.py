"""One pass of validation, test or prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from leyden.api.arguments import step_arguments
from leyden.api.collection import Collection
from leyden.api.loaders import LoaderBatches
from leyden.api.results import to_numbers
from leyden.api.warn import warn
from leyden.kernel.state import RunningStage, TrainerFn

if TYPE_CHECKING:
    from leyden.api.session import Session

_STEPS = {
    RunningStage.SANITY_CHECKING: "validation_step",
    RunningStage.VALIDATING: "validation_step",
    RunningStage.TESTING: "test_step",
    RunningStage.PREDICTING: "predict_step",
}


class EvaluationPass:
    """What the loop needs of one pass: loaders, the step, modes, and what becomes of logged values.

    Args:
        session: the running session.
        stage: the evaluating stage.
    """

    def __init__(self, session: Session, stage: RunningStage) -> None:
        self.session, self.stage = session, stage
        self.results = session.metrics
        self.collection: Collection = session.metrics.evaluation
        self.all_loaders: list[LoaderBatches] = session.data.load_evaluation(stage)
        if stage is RunningStage.SANITY_CHECKING:
            few = session.state.limits.num_sanity_val_steps
            self.all_loaders = [one.limited_to(few) for one in self.all_loaders]
        self.loaders = self.all_loaders if any(one.limit for one in self.all_loaders) else []
        self.batch_idx = 0
        self.modes: list[tuple[Any, bool]] = []
        name = _STEPS[stage]
        step = step_arguments(session.module, name, session.strategy.bind_step(name), len(self.all_loaders))
        self.step = self._in_step(name, step)
        self.batch_end = self._batch_end()
        self.predictions: list[list[Any]] = []
        self.logged: list[dict[str, Tensor]] = []

    def _in_step(self, name: str, step: Callable[..., Any]) -> Callable[[Any, int, int], Any]:
        state, results = self.session.state, self.results

        def call(batch: Any, batch_idx: int, dataloader_idx: int) -> Any:
            state.hook = name
            outputs = step(batch, batch_idx, dataloader_idx)
            if results.pending:
                results.drain()
            state.hook = None
            return outputs

        return call

    def eval_mode(self) -> None:
        """Put the module into evaluation mode, and remember the mode of every submodule."""
        session = self.session
        self.modes = [(module, module.training) for module in session.module.modules()]
        hook = f"on_{self._stem()}_model_eval"
        fire = getattr(session.hooks, hook)
        if fire:
            fire(session.trainer, session.module)
        if not session.overrides(hook):
            session.module.eval()

    def train_mode(self) -> None:
        """Give every submodule the mode it had, unless the user's hook decides."""
        session = self.session
        hook = f"on_{self._stem()}_model_train"
        fire = getattr(session.hooks, hook)
        if fire:
            fire(session.trainer, session.module)
        if not session.overrides(hook):
            self.restore_modes()

    def restore_modes(self) -> None:
        """Give every submodule the mode that it had before the pass."""
        for module, training in self.modes:
            module.training = training

    def _stem(self) -> str:
        return _STEPS[self.stage].removesuffix("_step")

    def start_loader(self, dataloader_idx: int) -> None:
        """The next loader begins; predictions are kept apart."""
        batches = self.loaders[dataloader_idx]
        self.session.data.set_epoch(batches.loader, self.session.state.counters.epoch)
        self.session.state.dataloader_idx = dataloader_idx
        if dataloader_idx:
            self._close_loader()
        self.predictions.append([])

    def _close_loader(self) -> None:
        self.results.on_step = False
        previous = self.session.state.dataloader_idx - 1
        self.session.agree(f"the end of {self.stage} loader {previous}")
        values = self._epoch_values(previous if len(self.all_loaders) > 1 else None, always=True)
        self.logged.append(values)

    def _epoch_values(self, loader: int | None, *, always: bool = False) -> dict[str, Tensor]:
        collection = self.collection
        outer, collection.loader = collection.loader, loader
        self.results.share(collection, "epoch", always=always)
        values = self.results.gather(collection, "epoch")
        collection.loader = outer
        return values

    def _batch_end(self) -> Callable[[Any], None] | None:
        """After each batch: predictions are kept when asked for, step values go to the loggers."""
        if self.stage is RunningStage.PREDICTING:
            return self._keep if self.session.keep_predictions else None
        if self.stage is RunningStage.SANITY_CHECKING:
            return None
        return self._log_step

    def _keep(self, outputs: Any) -> None:
        if outputs is None:
            warn(
                "predict-none",
                "predict_step returned None: it stands among the predictions in its batch's place.",
            )
        self.predictions[-1].append(outputs)

    def _log_step(self, outputs: Any) -> None:
        if self.collection.stepwise:
            counts = self.session.evaluation_counts
            alone = self.stage is RunningStage.VALIDATING and self.session.fn is not TrainerFn.FITTING
            key = ("validate-alone" if alone else str(self.stage), self.session.state.dataloader_idx)
            known = self.results.share(self.collection, "step")
            values = self.results.gather(self.collection, "step", known)
            self.results.write(values, counts.get(key, 0), with_epoch=False)
            counts[key] = counts.get(key, 0) + 1

    def loaders_done(self) -> None:
        """All loaders are exhausted."""
        self.session.state.dataloader_idx = len(self.loaders)
        if self.stage is not RunningStage.PREDICTING:
            self._close_loader()
        self.collection.loader = None
        self.results.on_step = False

    def epoch_end(self) -> None:
        """The hooks of the epoch's end are over: values logged there join every loader's, and all are written."""
        if self.stage is RunningStage.PREDICTING:
            return
        late = self._epoch_values(None)
        for one in self.logged:
            one.update(late)
        if self.stage is not RunningStage.SANITY_CHECKING:
            merged = {name: value for one in self.logged for name, value in one.items()}
            self.results.write(merged, self.session.log_axis())

    def result(self) -> Any:
        """Metrics a loader for validation and test, predictions (flat for one loader) for prediction."""
        if self.stage is RunningStage.PREDICTING:
            if not self.session.keep_predictions or not self.predictions:
                return None
            return self.predictions[0] if len(self.predictions) == 1 else self.predictions
        return [to_numbers(one) for one in self.logged]
