"""Older keywords that stand for callbacks and checkpoints."""

from __future__ import annotations

import os
from os import PathLike
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from leyden.api.callback import Checkpoint
from leyden.errors import ArgumentTypeError, ConfigurationError, PluginNotFoundError
from leyden.plugins.components import by_attribute
from leyden_legacy.options.base import Keyword, add_callback, callbacks_of


class CheckpointCallback(Keyword):
    """``checkpoint_callback``: whether checkpoints are kept, or the callback that does."""

    keyword, modern = (
        "checkpoint_callback",
        "Trainer(enable_checkpointing=…), or Trainer(callbacks=[ModelCheckpoint(…)])",
    )
    annotation: ClassVar[Any] = object
    allowed: ClassVar[str] = "True, False, a ModelCheckpoint or None"

    def validate(self, value: Any, given: Any) -> Any:
        """A bool or a callback."""
        if value is not None and not isinstance(value, bool | Checkpoint):
            raise ArgumentTypeError.about("checkpoint_callback", value, self.allowed)
        return value

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """A callback joins the others."""
        if isinstance(value, bool):
            given["enable_checkpointing"] = value
        else:
            given["callbacks"] = [*callbacks_of(given), value]


class ProgressBarRefreshRate(Keyword):
    """``progress_bar_refresh_rate``: redraw the bar every so many batches; 0 shows none."""

    keyword = "progress_bar_refresh_rate"
    modern = (
        "Trainer(enable_progress_bar=False) for 0, or Trainer(callbacks=[TQDMProgressBar(refresh_rate=…)])"
    )
    order: ClassVar[int] = -45
    annotation: ClassVar[Any] = Annotated[int, Ge(0)] | None
    allowed: ClassVar[str] = "an int of at least 0, or None"

    def become(self, value: int, given: dict[str, Any]) -> None:
        """A bar that counts batches, where it is installed; the others limit their rate by time."""
        if value == 0:
            given["enable_progress_bar"] = False
        elif not _bars(given) and given.get("enable_progress_bar") is not False:
            try:
                add_callback(given, "TQDMProgressBar", refresh_rate=value)
            except PluginNotFoundError:
                given["enable_progress_bar"] = True


class ProcessPosition(Keyword):
    """``process_position``: lines to leave free above the bar."""

    keyword, modern = "process_position", "Trainer(callbacks=[TQDMProgressBar(process_position=…)])"
    default: ClassVar[Any] = 0
    annotation: ClassVar[Any] = Annotated[int, Ge(0)]
    allowed: ClassVar[str] = "an int of at least 0"
    silent: ClassVar[tuple[Any, ...]] = (0,)

    def become(self, value: int, given: dict[str, Any]) -> None:
        """A bar with that position, redrawn as ``progress_bar_refresh_rate`` says."""
        rate = given.get("progress_bar_refresh_rate")
        if not _bars(given) and rate != 0 and given.get("enable_progress_bar") is not False:
            add_callback(given, "TQDMProgressBar", process_position=value, refresh_rate=rate or 1)


def _bars(given: dict[str, Any]) -> list[Any]:
    return [
        one
        for one in callbacks_of(given)
        if any(base.__name__ == "ProgressBar" for base in type(one).__mro__)
    ]


class WeightsSummary(Keyword):
    """``weights_summary``: the table of the module's layers."""

    keyword = "weights_summary"
    modern = (
        "Trainer(enable_model_summary=False), or Trainer(callbacks=[ModelSummary(max_depth=-1)]) for 'full'"
    )
    default: ClassVar[Any] = "top"
    annotation: ClassVar[Any] = str | None
    allowed: ClassVar[str] = "'top', 'full' or None"
    silent: ClassVar[tuple[Any, ...]] = ("top",)

    def validate(self, value: Any, given: Any) -> Any:
        """One of the three."""
        value = super().validate(value, given)
        if value not in (None, "top", "full"):
            raise ConfigurationError.about("weights_summary", value, self.allowed)
        return value

    def become(self, value: str | None, given: dict[str, Any]) -> None:
        """None, or all layers."""
        if value is None:
            given["enable_model_summary"] = False
        else:
            add_callback(given, "ModelSummary", max_depth=-1)


class StochasticWeightAvg(Keyword):
    """``stochastic_weight_avg``: average the weights of the last epochs."""

    keyword, modern = "stochastic_weight_avg", "Trainer(callbacks=[StochasticWeightAveraging(swa_lrs=…)])"
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (False,)

    def become(self, value: bool, given: dict[str, Any]) -> None:
        """The callback, with the optimizer's own learning rates."""
        averaging = by_attribute("callbacks", "StochasticWeightAveraging")
        if not any(isinstance(one, averaging) for one in callbacks_of(given)):
            given["callbacks"] = [*callbacks_of(given), _with_own_rates(averaging)]


def _with_own_rates(averaging: type[Any]) -> Any:
    def on_fit_start(self: Any, trainer: Any, pl_module: Any) -> None:
        self._swa_lrs = [float(group["lr"]) for group in trainer.optimizers[0].param_groups]
        averaging.on_fit_start(self, trainer, pl_module)

    made = type(averaging.__name__, (averaging,), {"on_fit_start": on_fit_start})
    made.__qualname__ = averaging.__qualname__
    return made(swa_lrs=1.0)


class LogGpuMemory(Keyword):
    """``log_gpu_memory``: log the memory of GPUs."""

    keyword, modern = "log_gpu_memory", "Trainer(callbacks=[DeviceStatsMonitor()])"
    annotation: ClassVar[Any] = str | bool | None
    allowed: ClassVar[str] = "'all', 'min_max', True, False or None"
    silent: ClassVar[tuple[Any, ...]] = (None, False)

    def validate(self, value: Any, given: Any) -> Any:
        """One of the five."""
        value = super().validate(value, given)
        if isinstance(value, str) and value not in ("all", "min_max"):
            raise ConfigurationError.about("log_gpu_memory", value, self.allowed)
        return value

    def become(self, value: str | bool, given: dict[str, Any]) -> None:
        """The callback."""
        add_callback(given, "DeviceStatsMonitor")


class WeightsSavePath(Keyword):
    """``weights_save_path``: the folder for checkpoints that have none."""

    keyword, modern = "weights_save_path", "Trainer(callbacks=[ModelCheckpoint(dirpath=…)])"
    annotation: ClassVar[Any] = str | PathLike[str] | None
    allowed: ClassVar[str] = "a path or None"

    def apply(self, value: Any, trainer: Any) -> None:
        """Before a run, tell callbacks that save checkpoints and have no folder yet."""
        if self.value is not None:
            trainer.weights_save_path = os.fspath(self.value)
            trainer.add_listener(_Folder(os.fspath(self.value)))


class _Folder:
    """Gives checkpoint callbacks their folder when a run begins."""

    def __init__(self, path: str) -> None:
        self.path = path

    def leyden_run_start(self, trainer: Any, pl_module: Any) -> None:
        """``<path>/<logger's name>/<version>/checkpoints``, as Lightning 1.x named it."""
        parts = [self.path]
        if trainer.logger is not None and not trainer.fast_dev_run:
            version = trainer.logger.version
            parts += [str(trainer.logger.name), version if isinstance(version, str) else f"version_{version}"]
        for one in trainer.checkpoint_callbacks:
            if getattr(one, "dirpath", "") is None:
                one.dirpath = os.path.join(*parts, "checkpoints")


class ResumeFromCheckpoint(Keyword):
    """``resume_from_checkpoint``: where each fit begins."""

    keyword, modern = "resume_from_checkpoint", "Trainer.fit(ckpt_path=…)"
    annotation: ClassVar[Any] = str | PathLike[str] | None
    allowed: ClassVar[str] = "a path or None"

    def apply(self, value: Any, trainer: Any) -> None:
        """Fits that are not given a checkpoint take this one."""
        if self.value is not None:
            trainer.run_state.extra["resume_from"] = os.fspath(self.value)
