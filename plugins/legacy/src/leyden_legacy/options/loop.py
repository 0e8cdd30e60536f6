"""Older keywords that change how training goes on."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from leyden.errors import ConfigurationError
from leyden_legacy.options.base import Keyword


class ReloadDataloadersEveryEpoch(Keyword):
    """``reload_dataloaders_every_epoch``: call the dataloader hooks in every epoch."""

    keyword, modern = "reload_dataloaders_every_epoch", "Trainer(reload_dataloaders_every_n_epochs=1)"
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (False,)

    def become(self, value: bool, given: dict[str, Any]) -> None:
        """Every epoch is every first one."""
        given["reload_dataloaders_every_n_epochs"] = 1


class TruncatedBpttSteps(Keyword):
    """``truncated_bptt_steps``: cut each batch along time and train on the pieces, one after the other."""

    keyword, modern = "truncated_bptt_steps", "manual optimization over the pieces of a batch"
    annotation: ClassVar[Any] = Annotated[int, Ge(1)] | None
    allowed: ClassVar[str] = "an int of at least 1 (time steps), or None"

    def apply(self, value: Any, trainer: Any) -> None:
        """The step scheme reads it; ``truncated_bptt_steps`` of the module comes first."""
        if self.value is not None:
            trainer.run_state.extra["tbptt"] = self.value


class MultipleTrainloaderMode(Keyword):
    """``multiple_trainloader_mode``: what happens when several training loaders differ in length."""

    keyword, modern = "multiple_trainloader_mode", "CombinedLoader(loaders, mode=…) as training data"
    default: ClassVar[Any] = "max_size_cycle"
    annotation: ClassVar[Any] = str
    allowed: ClassVar[str] = "'max_size_cycle', 'min_size' or 'max_size'"
    silent: ClassVar[tuple[Any, ...]] = ("max_size_cycle",)

    def validate(self, value: Any, given: Any) -> Any:
        """One of the modes for training."""
        value = super().validate(value, given)
        if value not in ("max_size_cycle", "min_size", "max_size"):
            raise ConfigurationError.about("multiple_trainloader_mode", value, self.allowed)
        return value

    def apply(self, value: Any, trainer: Any) -> None:
        """Collections of training loaders are combined so."""
        if self.value != self.default:
            trainer.run_state.extra["trainloader_mode"] = self.value


class PrepareDataPerNode(Keyword):
    """``prepare_data_per_node``: whether each machine prepares data."""

    keyword, modern = (
        "prepare_data_per_node",
        "the attribute prepare_data_per_node of the module or data module",
    )
    default: ClassVar[Any] = True
    annotation: ClassVar[Any] = bool
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (True,)

    def apply(self, value: Any, trainer: Any) -> None:
        """Tell whoever prepares."""
        if self.value is False:
            from leyden_legacy.listeners import PreparePerNode

            trainer.add_listener(PreparePerNode())


class TerminateOnNan(Keyword):
    """``terminate_on_nan``: end the run when the loss or a parameter is not finite."""

    keyword, modern = "terminate_on_nan", "Trainer(detect_anomaly=True)"
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool | None
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (None, False)

    def apply(self, value: Any, trainer: Any) -> None:
        """Look at each loss and each update; both wait for the device."""
        if self.value:
            from leyden_legacy.listeners import StopAtNaN

            trainer.add_listener(StopAtNaN())


class TrackGradNorm(Keyword):
    """``track_grad_norm``: log the norms of gradients."""

    keyword, modern = "track_grad_norm", "self.log_dict(grad_norm(self, …)) in on_before_optimizer_step"
    default: ClassVar[Any] = -1
    annotation: ClassVar[Any] = float | int | str
    allowed: ClassVar[str] = "a number above 0 (the p of the p-norm), 'inf', or -1"
    silent: ClassVar[tuple[Any, ...]] = (-1, -1.0)

    def validate(self, value: Any, given: Any) -> Any:
        """A norm."""
        value = super().validate(value, given)
        number = float(value) if value == "inf" or not isinstance(value, str) else 0.0
        if isinstance(value, bool) or (number <= 0 and value != -1):
            raise ConfigurationError.about("track_grad_norm", value, self.allowed)
        return value

    def apply(self, value: Any, trainer: Any) -> None:
        """Log them before each optimizer step."""
        if self.value != -1:
            from leyden_legacy.listeners import GradientNorms

            trainer.add_listener(GradientNorms(float(self.value)))


class FlushLogsEveryNSteps(Keyword):
    """``flush_logs_every_n_steps``: let the loggers write every so many updates."""

    keyword, modern = "flush_logs_every_n_steps", "CSVLogger(flush_logs_every_n_steps=…)"
    annotation: ClassVar[Any] = Annotated[int, Ge(1)] | None
    allowed: ClassVar[str] = "an int of at least 1, or None"

    def apply(self, value: Any, trainer: Any) -> None:
        """Call ``save`` of each logger."""
        if self.value is not None:
            from leyden_legacy.listeners import FlushLogs

            trainer.add_listener(FlushLogs(self.value))


class MoveMetricsToCpu(Keyword):
    """``move_metrics_to_cpu``: keep logged values off the GPU."""

    keyword = "move_metrics_to_cpu"
    modern = "leaving it out: logged values are reduced in blocks of 256 and need no memory that counts"
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (False,)


class AutoLrFind(Keyword):
    """``auto_lr_find``: what ``trainer.tune`` does about the learning rate."""

    keyword, modern = "auto_lr_find", "leyden.tuner.Tuner(trainer).lr_find(model, attr_name=…)"
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool | str
    allowed: ClassVar[str] = "True, False, or the attribute that holds the learning rate"
    silent: ClassVar[tuple[Any, ...]] = (False,)

    def apply(self, value: Any, trainer: Any) -> None:
        """``trainer.tune`` reads it."""
        trainer.auto_lr_find = self.value


class AutoScaleBatchSize(Keyword):
    """``auto_scale_batch_size``: what ``trainer.tune`` does about the batch size."""

    keyword, modern = "auto_scale_batch_size", "leyden.tuner.Tuner(trainer).scale_batch_size(model, mode=…)"
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool | Literal["power", "binsearch"] | None
    allowed: ClassVar[str] = "True, False, 'power', 'binsearch' or None"
    silent: ClassVar[tuple[Any, ...]] = (None, False)

    def apply(self, value: Any, trainer: Any) -> None:
        """``trainer.tune`` reads it."""
        trainer.auto_scale_batch_size = self.value
