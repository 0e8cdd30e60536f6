"""``SingleDeviceXLAStrategy``: one process, one XLA device."""

from __future__ import annotations

from typing import Any

import torch

from leyden.errors import ConfigurationError
from leyden.interfaces import Accelerator, CheckpointIO, Precision
from leyden_accelerator_xla.engine import engine
from leyden_strategy_single_device import SingleDeviceStrategy
from leyden_strategy_xla.device import OnXLA, check_precision


class SingleDeviceXLAStrategy(OnXLA, SingleDeviceStrategy):
    """Everything happens in the calling process, on one XLA device.

    Args:
        device: the device or its index; ``None`` takes the one that the Trainer's ``devices`` says.
        accelerator: the hardware; then the Trainer must not be given another.
        checkpoint_io: what writes checkpoints; likewise.
        precision_plugin: the number format; likewise.
        debug: let torch_xla report each compilation (``PT_XLA_DEBUG``).

    Raises:
        leyden.errors.ConfigurationError: ``device`` is no XLA device, or torch_xla is not installed.
    """

    def __init__(
        self,
        device: torch.device | str | int | None = None,
        accelerator: Accelerator | None = None,
        checkpoint_io: CheckpointIO | None = None,
        precision_plugin: Precision | None = None,
        debug: bool = False,
    ) -> None:
        engine()
        super().__init__(_named(device), accelerator, checkpoint_io, precision_plugin)
        self.debug = debug
        self._handles = []
        self._found: torch.device | None = None

    def connect(self, **components: Any) -> None:
        """Take the other components of the run.

        Raises:
            leyden.errors.ConfigurationError: as :class:`SingleDeviceStrategy`, or the precision is not for XLA.
        """
        check_precision(components["precision"])
        super().connect(**components)

    @property
    def root_device(self) -> torch.device:
        """The runtime's device once a run has begun, before that its name."""
        return self._found if self._found is not None else super().root_device

    def setup_environment(self) -> None:
        self._found = engine().device(super().root_device.index or 0)
        super().setup_environment()


def _named(device: torch.device | str | int | None) -> torch.device | None:
    if device is None:
        return None
    named = torch.device("xla", device) if isinstance(device, int) else torch.device(device)
    if named.type != "xla":
        raise ConfigurationError.about("device", str(device), "an XLA device, e.g. 'xla:0' or 0")
    return named
