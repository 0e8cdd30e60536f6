"""No profiler, as an object."""

from __future__ import annotations

from leyden.interfaces.profiler import Profiler


class PassThroughProfiler(Profiler):
    """Measures nothing: ``trainer.profiler`` where none was asked for, so that a module may use it anyway."""

    def start(self, action_name: str) -> None:
        pass

    def stop(self, action_name: str) -> None:
        pass
