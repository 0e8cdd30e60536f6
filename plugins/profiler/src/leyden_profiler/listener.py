"""Brings a profiler to a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leyden.interfaces.profiler import Profiler
from leyden_profiler.phases import Phases

_EPOCH = "run_training_epoch"


class Measured:
    """Starts and stops a profiler around everything that :class:`~leyden_profiler.phases.Phases` knows.

    Args:
        profiler: the profiler.
    """

    def __init__(self, profiler: Profiler) -> None:
        self.profiler = profiler
        self._phases: Phases | None = None
        self._in_epoch = False

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """Before anything of the user's is called."""
        self._phases = Phases(trainer.running, self._around, without=self)
        self._phases.attach()

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Processes know each other, so that all have one folder."""
        if hasattr(self.profiler, "_lightning_module"):
            self.profiler._lightning_module = pl_module
        self.profiler.setup(stage, trainer.local_rank, trainer.log_dir)

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
        self.profiler.start(_EPOCH)
        self._in_epoch = True

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """A resumed epoch was not seen to begin."""
        if self._in_epoch:
            self.profiler.stop(_EPOCH)
        self._in_epoch = False

    def leyden_finalize(self, trainer: Any, pl_module: Any, status: str) -> None:
        """Everything is over, loggers included."""
        self._report()

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Only rank zero has loggers to wait for."""
        if not trainer.is_global_zero:
            self._report()

    def _report(self) -> None:
        if self._phases is not None:
            self._phases.detach()
        self._phases, self._in_epoch = None, False
        self.profiler.describe()

    def _around(self, owner: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        action = f"{owner}.{name}" if owner not in ("", "Trainer") else name
        start, stop = self.profiler.start, self.profiler.stop

        def measured(*args: Any, **kwargs: Any) -> Any:
            start(action)
            try:
                return call(*args, **kwargs)
            finally:
                stop(action)

        return measured
