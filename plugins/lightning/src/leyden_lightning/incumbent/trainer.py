"""What packages read off a Trainer."""

from __future__ import annotations

from typing import Any

from leyden_lightning.incumbent import connectors
from leyden_lightning.incumbent.results import ResultsView


def _connector(kind: type) -> property:
    """A property that makes its connector once for each Trainer."""
    key = f"_incumbent_{kind.__name__}"

    def get(self: Any) -> Any:
        own = vars(self)
        if key not in own:
            own[key] = kind(self)
        return own[key]

    def put(self: Any, value: Any) -> None:
        vars(self)[key] = value

    return property(get, put, doc=kind.__doc__)


class TrainerMembers:
    """Members for ``Trainer``."""

    _accelerator_connector = _connector(connectors.AcceleratorConnector)
    _callback_connector = _connector(connectors.CallbackConnector)
    _checkpoint_connector = _connector(connectors.CheckpointConnector)
    _data_connector = _connector(connectors.DataConnector)
    _logger_connector = _connector(connectors.LoggerConnector)
    _signal_connector = _connector(connectors.SignalConnector)

    @property
    def _results(self) -> ResultsView | None:
        session = self.session  # type: ignore[attr-defined]
        return ResultsView(session.metrics) if session is not None else None

    @property
    def _active_loop(self) -> Any:
        loops = {
            "fit": "fit_loop",
            "validate": "validate_loop",
            "test": "test_loop",
            "predict": "predict_loop",
        }
        fn = self.state.fn  # type: ignore[attr-defined]
        return getattr(self, loops[str(fn)]) if fn is not None else None

    @property
    def _loggers(self) -> list[Any]:
        return self.loggers

    @_loggers.setter
    def _loggers(self, loggers: list[Any]) -> None:
        self.loggers = loggers

    @property
    def _default_root_dir(self) -> str:
        return self.default_root_dir  # type: ignore[attr-defined, no-any-return]

    @property
    def num_gpus(self) -> int:
        """CUDA devices of this machine that take part."""
        return sum(one.type == "cuda" for one in self.strategy.devices)  # type: ignore[attr-defined]

    @property
    def num_processes(self) -> int:
        """Processes on this machine."""
        return max(1, self.strategy.world_size // max(1, self.num_nodes))  # type: ignore[attr-defined, no-any-return]
