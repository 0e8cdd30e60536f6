"""The Trainer keyword ``sync_batchnorm``; importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces.option import Option


class SyncBatchNormOption(Option):
    """``sync_batchnorm``: batch normalisation over the batches of all processes, while fitting."""

    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool
    doc: ClassVar[str] = "normalise over the batches of all processes"

    def validate(self, value: Any, given: Mapping[str, Any]) -> Any:
        return value

    def apply(self, value: Any, trainer: Any) -> None:
        strategy = trainer.strategy
        if not value or strategy.world_size == 1:
            return  # over one process, it is batch normalisation
        if not hasattr(strategy, "sync_batchnorm"):
            allowed = f"False with {type(strategy).__name__}, which does not convert modules"
            raise ConfigurationError.about("sync_batchnorm", value, allowed)
        if strategy.root_device.type == "cpu":
            raise ConfigurationError.about(
                "sync_batchnorm",
                value,
                "False on the CPU",
                "torch.nn.SyncBatchNorm has no kernel for it. Use GPUs, or a normalisation without batch statistics.",
            )
        strategy.sync_batchnorm = True
