"""Training in one process, on one device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from leyden.errors import ConfigurationError, DetachedError
from leyden.interfaces import Accelerator, CheckpointIO, Precision, Strategy

CPU = torch.device("cpu")
SEVERAL = "For several devices or nodes install leyden-strategy-ddp and write strategy='ddp'."


class SingleDeviceStrategy(Strategy):
    """Everything happens in the calling process and on one device.

    Args:
        device: the device; ``None`` takes the one that the Trainer's ``accelerator`` and ``devices`` say.
        accelerator: the hardware; then the Trainer must not be given another.
        checkpoint_io: what writes checkpoints; likewise.
        precision_plugin: the number format; likewise.

    Raises:
        leyden.errors.ConfigurationError: ``device`` is no device.
    """

    def __init__(
        self,
        device: torch.device | str | int | None = None,
        accelerator: Accelerator | None = None,
        checkpoint_io: CheckpointIO | None = None,
        precision_plugin: Precision | None = None,
    ) -> None:
        super().__init__()
        self._device = None if device is None else _device(device)
        self._own: dict[str, Any] = {
            "accelerator": accelerator,
            "precision": precision_plugin,
            "checkpoint_io": checkpoint_io,
        }
        self.accelerator, self.checkpoint_io = accelerator, checkpoint_io
        if precision_plugin is not None:
            self.precision = precision_plugin

    def connect(
        self,
        *,
        accelerator: Accelerator,
        devices: list[torch.device],
        num_nodes: int,
        precision: Precision,
        checkpoint_io: CheckpointIO | None,
    ) -> None:
        """Take the other components of the run.

        Raises:
            leyden.errors.ConfigurationError: there is more than one device or node, the constructor's device
                is not of the run's accelerator, or the Trainer was given another component.
        """
        if num_nodes != 1:
            raise ConfigurationError.about("num_nodes", num_nodes, "1 with a single device", SEVERAL)
        if self._device is not None:
            _check_kind(self._device, devices)
        for name, one in (("accelerator", accelerator), ("precision", precision)):
            _check_agreement(name, self._own[name], one)
        if checkpoint_io is not None:
            _check_agreement("checkpoint_io", self._own["checkpoint_io"], checkpoint_io)
        super().connect(
            accelerator=accelerator,
            devices=[self._device or _only(devices)],
            num_nodes=num_nodes,
            precision=precision,
            checkpoint_io=checkpoint_io or self._own["checkpoint_io"],
        )

    @property
    def root_device(self) -> torch.device:
        """The device.

        Raises:
            leyden.errors.DetachedError: no device was given and no Trainer was made with this strategy.
        """
        if self._device is not None:
            return self._device
        if not self.devices:
            raise DetachedError(
                "SingleDeviceStrategy() takes the device of a Trainer, and belongs to none yet."
            )
        return self.devices[0]

    def teardown(self) -> None:
        """Bring the module and the optimizers' states to the CPU, so that the device's memory is free."""
        if self.devices and self.root_device != CPU:
            if self.module is not None:
                self.module.cpu()
            for optimizer in self.optimizers:
                _to_cpu(optimizer)
        super().teardown()


def _device(device: torch.device | str | int) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        allowed = "a torch.device, or a string such as 'cpu' or 'cuda:1'"
        raise ConfigurationError.about("device", device, allowed) from error


def _only(devices: list[torch.device]) -> torch.device:
    if len(devices) != 1:
        names = [str(device) for device in devices]
        raise ConfigurationError.about("devices", names, "exactly one with a single device", SEVERAL)
    return devices[0]


def _check_kind(device: torch.device, devices: list[torch.device]) -> None:
    """Refuse a device of one kind on an accelerator of another."""
    kinds = {one.type for one in devices}
    if device.type not in kinds:
        allowed = f"a device of the run's accelerator ({', '.join(sorted(kinds)) or 'none'})"
        remedy = f"Write Trainer(accelerator={device.type!r}, …) beside it."
        raise ConfigurationError.about("device", str(device), allowed, remedy)


def _check_agreement(name: str, own: Any, given: Any) -> None:
    if own is not None and given is not own:
        names = f"{type(own).__name__} and the Trainer {type(given).__name__}"
        raise ConfigurationError(f"The strategy has {name} {names}: give one of them.")


def _to_cpu(optimizer: Optimizer) -> None:
    for state in optimizer.state.values():
        for name, value in state.items():
            if isinstance(value, Tensor):
                state[name] = value.cpu()
