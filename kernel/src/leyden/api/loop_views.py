"""``trainer.fit_loop`` and its siblings: counters and limits, under the names that callbacks and packages read."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from types import SimpleNamespace
from typing import Any

from leyden.kernel.state import Point, RunningStage
from leyden.plugins.errors import DetachedError


class Count:
    """How many of something were ``ready``, ``started``, ``processed`` and ``completed``.

    Args:
        running: how many have begun and not ended.
        completed: how many have ended.
        put: takes another number of completed ones.
    """

    def __init__(
        self, running: Callable[[], int], completed: Callable[[], int], put: Callable[[int], None]
    ) -> None:
        self._running, self._completed, self._put = running, completed, put

    @property
    def completed(self) -> int:
        """Those that have ended; settable."""
        return self._completed()

    @completed.setter
    def completed(self, value: int) -> None:
        self._put(value)

    @property
    def processed(self) -> int:
        """Those whose work is done."""
        return self._completed()

    @processed.setter
    def processed(self, value: int) -> None:
        self._put(value)

    @property
    def ready(self) -> int:
        """Those that have been taken up."""
        return self._completed() + self._running()

    @property
    def started(self) -> int:
        """Those that have begun."""
        return self.ready

    def __repr__(self) -> str:
        return f"ready={self.ready}, completed={self.completed}"


class FitLoopView:
    """``trainer.fit_loop``, and ``trainer.fit_loop.epoch_loop``, which is the same object."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self.epoch_loop = self
        counters = trainer.run_state.counters
        state = trainer.run_state

        def put(name: str) -> Callable[[int], None]:
            return lambda value: setattr(counters, name, int(value))

        epoch = Count(lambda: int(state.point is not Point.EPOCH_START), lambda: counters.epoch, put("epoch"))
        batch = Count(self._open_batch, lambda: counters.batch, put("batch"))
        batches = Count(self._open_batch, lambda: counters.batches, put("batches"))
        steps = Count(lambda: 0, lambda: counters.optimizer_steps, put("optimizer_steps"))
        self.epoch_progress = SimpleNamespace(current=epoch, total=epoch)
        self.batch_progress = SimpleNamespace(current=batch, total=batches)
        stepped = SimpleNamespace(current=steps, total=steps)
        self.automatic_optimization = SimpleNamespace(
            optim_progress=SimpleNamespace(optimizer=SimpleNamespace(step=stepped))
        )
        self.manual_optimization = SimpleNamespace(optim_step_progress=stepped)

    def _open_batch(self) -> int:
        state = self._trainer.run_state
        return int(state.hook is not None and state.stage is RunningStage.TRAINING)

    @property
    def trainer(self) -> Any:
        """The Trainer."""
        return self._trainer

    @property
    def val_loop(self) -> EvaluationLoopView:
        """The validation loop."""
        found: EvaluationLoopView = self._trainer.validate_loop
        return found

    @property
    def _batches_that_stepped(self) -> int:
        return int(self._trainer.run_state.counters.updates)

    @_batches_that_stepped.setter
    def _batches_that_stepped(self, value: int) -> None:
        self._trainer.run_state.counters.updates = int(value)

    @property
    def global_step(self) -> int:
        """Optimizer steps."""
        return int(self._trainer.global_step)

    @property
    def batch_idx(self) -> int:
        """The running batch of the epoch."""
        return int(self._trainer.run_state.batch_idx)

    @property
    def total_batch_idx(self) -> int:
        """The running batch over all epochs."""
        counters = self._trainer.run_state.counters
        return int(counters.batches - counters.batch + self._trainer.run_state.batch_idx)

    @property
    def max_batches(self) -> float:
        """Batches of an epoch."""
        found: float = self._trainer.num_training_batches
        return found

    @property
    def max_epochs(self) -> int | None:
        """The limit of epochs; settable."""
        found: int | None = self._trainer.max_epochs
        return found

    @max_epochs.setter
    def max_epochs(self, value: int | None) -> None:
        self._trainer.run_state.limits.max_epochs = inf if value in (None, -1) else value

    @property
    def max_steps(self) -> int:
        """The limit of optimizer steps; settable."""
        return int(self._trainer.max_steps)

    @max_steps.setter
    def max_steps(self, value: int) -> None:
        self._trainer.run_state.limits.max_steps = inf if value == -1 else value

    @property
    def min_epochs(self) -> int:
        """Epochs before which nothing stops the run; settable."""
        return int(self._trainer.run_state.limits.min_epochs)

    @min_epochs.setter
    def min_epochs(self, value: int | None) -> None:
        self._trainer.run_state.limits.min_epochs = value or 0

    @property
    def min_steps(self) -> int:
        """Optimizer steps before which nothing stops the run; settable."""
        return int(self._trainer.run_state.limits.min_steps)

    @min_steps.setter
    def min_steps(self, value: int | None) -> None:
        self._trainer.run_state.limits.min_steps = value or 0

    @property
    def done(self) -> bool:
        """Whether a limit is met, or a stop was asked for and may be granted."""
        from leyden.kernel.loop import fit_done

        held: Any = SimpleNamespace(
            state=self._trainer.run_state
        )  # all that it looks at; also before the first run
        return fit_done(held)

    @property
    def restarting(self) -> bool:
        """Whether the running epoch goes on from a checkpoint inside it."""
        return self._trainer.run_state.point is not Point.EPOCH_START and self._trainer.run_state.hook is None

    @property
    def _combined_loader(self) -> Any:
        loader = self._trainer.train_dataloader
        return None if loader is None else _combined(loader, "max_size_cycle")

    @property
    def _data_source(self) -> SimpleNamespace:
        return _source(self._trainer, "train")

    def setup_data(self) -> None:
        """Build the training loader now, unless it is there.

        Raises:
            leyden.errors.DetachedError: no run has begun.
        """
        session = _session(self._trainer)
        if session.data.train is None:
            session.data.load_train()


class EvaluationLoopView:
    """``trainer.validate_loop``, ``test_loop`` and ``predict_loop``.

    Args:
        trainer: the Trainer.
        prefix: ``"val"``, ``"test"`` or ``"predict"``.
    """

    def __init__(self, trainer: Any, prefix: str) -> None:
        self._trainer, self._prefix = trainer, prefix

    @property
    def trainer(self) -> Any:
        """The Trainer."""
        return self._trainer

    @property
    def inference_mode(self) -> bool:
        """Whether the loop runs under ``torch.inference_mode``."""
        return bool(self._trainer.inference_mode)

    @property
    def max_batches(self) -> list[float]:
        """Batches of each loader."""
        found: list[float] = getattr(self._trainer, f"num_{self._prefix}_batches")
        return found

    @property
    def num_dataloaders(self) -> int:
        """How many loaders there are."""
        return len(self.max_batches)

    @property
    def current_dataloader_idx(self) -> int:
        """The running loader."""
        return int(self._trainer.run_state.dataloader_idx)

    @property
    def _combined_loader(self) -> Any:
        loader = getattr(self._trainer, f"{self._prefix}_dataloaders")
        return None if loader is None else _combined(loader, "sequential")

    @property
    def _data_source(self) -> SimpleNamespace:
        return _source(self._trainer, self._prefix)


def _combined(loader: Any, mode: str) -> Any:
    from leyden.api.combined import CombinedLoader

    return loader if isinstance(loader, CombinedLoader) else CombinedLoader(loader, mode)


def _source(trainer: Any, prefix: str) -> SimpleNamespace:
    """Where the loaders of a stage come from: the user's argument, the data module, or the module."""
    session = _session(trainer)
    given = session.data.given.get(prefix)
    owner = session.datamodule if session.datamodule is not None else session.module
    return SimpleNamespace(
        instance=given if given is not None else owner,
        name="" if given is not None else f"{prefix}_dataloader",
        is_defined=lambda: session.data.defined(prefix),
        is_module=lambda: given is None,
    )


def _session(trainer: Any) -> Any:
    if trainer.session is None:
        raise DetachedError("Nothing has run yet: this is known in or after fit, validate, test or predict.")
    return trainer.session
