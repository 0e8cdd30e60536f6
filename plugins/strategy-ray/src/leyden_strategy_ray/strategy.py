"""``RayStrategy``: DDP whose processes are Ray's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import did_you_mean, listed
from leyden_distributed.launch import Launcher
from leyden_strategy_ddp import DDPStrategy
from leyden_strategy_ray.environment import RayEnvironment
from leyden_strategy_ray.launcher import RayLauncher

PLACEMENTS = ("PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD")


class RayStrategy(DDPStrategy):
    """Each call of the Trainer runs on workers of a Ray cluster, one a device: ``devices`` times ``num_nodes`` of them.

    Ray decides on which machines. Inside a worker of Ray Train nothing is started: the Trainer takes its place among
    those workers. How gradients are averaged, and what else holds, is as with ``DDPStrategy``.

    Args:
        num_cpus_per_worker: CPU cores that Ray sets aside for each worker.
        resources_per_worker: further resources by Ray's names, e.g. ``{"accelerator_type:H100": 0.001}``. GPUs are
            added by themselves where the run is on CUDA.
        placement: how Ray places the workers: ``"PACK"`` on few machines, ``"SPREAD"`` on many, or ``"STRICT_…"``.
        placement_timeout: seconds to wait for the resources.
        init_kwargs: for ``ray.init``, where Ray was not started yet, e.g. ``{"address": "auto"}``.
        kwargs: arguments of ``DDPStrategy`` by name, but for ``start_method`` and ``cluster_environment``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    launches_workers: ClassVar[bool] = True

    def __init__(
        self,
        num_cpus_per_worker: float = 1,
        resources_per_worker: Mapping[str, float] | None = None,
        placement: str = "PACK",
        placement_timeout: float = 300.0,
        init_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        for name in ("start_method", "cluster_environment"):
            if name in kwargs:
                raise ArgumentTypeError(f"RayStrategy has no argument {name!r}: Ray starts the workers.")
        if placement not in PLACEMENTS:
            hint = did_you_mean(placement, PLACEMENTS) if isinstance(placement, str) else ""
            raise ConfigurationError.about("placement", placement, listed(PLACEMENTS), hint)
        super().__init__(**kwargs)
        self.num_cpus_per_worker = _amount("num_cpus_per_worker", num_cpus_per_worker)
        self.placement_timeout = _amount("placement_timeout", placement_timeout)
        self.placement = placement
        self.resources_per_worker = {
            name: _amount("resources_per_worker", amount)
            for name, amount in (resources_per_worker or {}).items()
        }
        self.init_kwargs = dict(init_kwargs or {})

    @classmethod
    def from_name(cls, name: str) -> Self:
        return cls()

    @property
    def launcher(self) -> Launcher:
        """What starts the workers."""
        if self._launcher is None:
            self._launcher = RayLauncher(self)
        return self._launcher

    @property
    def root_device(self) -> torch.device:
        """The device of this process; Ray shows a worker that it started no GPU but its own."""
        place = self.environment.place if isinstance(self.environment, RayEnvironment) else None
        if place is not None and self.devices and self.devices[0].type == "cuda":
            return torch.device("cuda", 0)
        return super().root_device


def _amount(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ArgumentTypeError.about(name, given, "a number of at least 0")
    if given < 0:
        raise ConfigurationError.about(name, given, "a number of at least 0")
    return given
