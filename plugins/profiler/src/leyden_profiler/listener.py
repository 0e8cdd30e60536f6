"""Brings a measurement to a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from leyden import hookimpl
from leyden.interfaces.profiler import Profiler
from leyden_profiler.phases import Phases

EPOCH = "run_training_epoch"


class RunWatcher(ABC):
    """Listens to a run to put something around all that :class:`~leyden_profiler.phases.Phases` knows."""

    _phases: Phases | None = None
    _in_epoch = False

    @abstractmethod
    def around(self, owner: str, name: str, origin: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make the measuring call.

        Args:
            owner: whose call it is, e.g. ``[Callback]EarlyStopping``; empty for the loop's own.
            name: the hook or phase.
            origin: distribution and version of a plugin, where known.
            call: what is measured.
        """

    @abstractmethod
    def begin(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """A run begins; processes know each other."""

    @abstractmethod
    def epoch(self, starts: bool) -> None:
        """A training epoch starts or ends."""

    @abstractmethod
    def report(self, trainer: Any) -> None:
        """The run is over, on every rank."""

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """Before anything of the user's is called."""
        self._phases = Phases(trainer.running, self.around, without=self)
        self._phases.attach()

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Processes know each other, so that all have one folder."""
        self.begin(trainer, pl_module, stage)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """The step is there."""
        assert self._phases is not None
        self._phases.attach_training()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The data is there."""
        assert self._phases is not None
        self._phases.attach_data()

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Loaders may have been reloaded."""
        assert self._phases is not None
        self._phases.attach_data()
        self.epoch(starts=True)
        self._in_epoch = True

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """A resumed epoch was not seen to begin."""
        if self._in_epoch:
            self.epoch(starts=False)
        self._in_epoch = False

    @hookimpl(trylast=True)
    def leyden_finalize(self, trainer: Any, pl_module: Any, status: str) -> None:
        """Everything is over, loggers included."""
        self._end(trainer)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Only rank zero has loggers to wait for."""
        if not trainer.is_global_zero:
            self._end(trainer)

    def _end(self, trainer: Any) -> None:
        if self._phases is not None:
            self._phases.detach()
            self.report(trainer)
        self._phases, self._in_epoch = None, False


class Measured(RunWatcher):
    """Starts and stops a profiler around everything.

    Args:
        profiler: the profiler.
    """

    def __init__(self, profiler: Profiler) -> None:
        self.profiler = profiler

    def begin(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if hasattr(self.profiler, "_lightning_module"):
            self.profiler._lightning_module = pl_module
        rank = trainer.local_rank if trainer.world_size > 1 else None
        self.profiler.setup(stage, rank, trainer.log_dir)

    def epoch(self, starts: bool) -> None:
        (self.profiler.start if starts else self.profiler.stop)(EPOCH)

    def report(self, trainer: Any) -> None:
        self.profiler.describe()

    def around(self, owner: str, name: str, origin: str, call: Callable[..., Any]) -> Callable[..., Any]:
        action = f"{owner}.{name}" if owner else name
        start, stop = self.profiler.start, self.profiler.stop

        def measured(*args: Any, **kwargs: Any) -> Any:
            start(action)
            try:
                return call(*args, **kwargs)
            finally:
                stop(action)

        return measured
