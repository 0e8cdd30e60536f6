"""Older keywords about hardware, processes and precision."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from leyden.errors import ConfigurationError
from leyden_legacy.options.base import Keyword, put
from leyden_legacy.values import distributed

Devices = Annotated[int, Ge(-1)] | str | list[int] | tuple[int, ...] | None
Count = Annotated[int, Ge(0)] | None
_DEVICES = "a count, -1 (all), a list of indices, a string of any of these, or None"
_NONE: tuple[Any, ...] = (0, "0", [], (), "")


class Gpus(Keyword):
    """``gpus``: how many GPUs, or which."""

    keyword, modern = "gpus", "Trainer(accelerator='gpu', devices=…)"
    annotation: ClassVar[Any] = Devices
    allowed: ClassVar[str] = _DEVICES

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """No GPU is the processor."""
        if any(value == one for one in _NONE):
            if given.get("accelerator") in (None, "auto"):
                given["accelerator"] = "cpu"
            return
        put(given, "accelerator", "gpu", "gpus")
        put(given, "devices", list(value) if isinstance(value, tuple) else value, "gpus")


class TpuCores(Keyword):
    """``tpu_cores``: how many TPU cores, or which."""

    keyword, modern = "tpu_cores", "Trainer(accelerator='tpu', devices=…)"
    annotation: ClassVar[Any] = Devices
    allowed: ClassVar[str] = _DEVICES
    silent: ClassVar[tuple[Any, ...]] = (None, 0)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """The accelerator of that name."""
        put(given, "accelerator", "tpu", "tpu_cores")
        put(given, "devices", list(value) if isinstance(value, tuple) else value, "tpu_cores")


class Ipus(Keyword):
    """``ipus``: Graphcore's processors."""

    keyword, modern = "ipus", "Trainer(accelerator='ipu', devices=…) with a plugin that offers 'ipu'"
    annotation: ClassVar[Any] = Count
    allowed: ClassVar[str] = "a count, or None"
    silent: ClassVar[tuple[Any, ...]] = (None, 0)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """The accelerator of that name."""
        put(given, "accelerator", "ipu", "ipus")
        put(given, "devices", value, "ipus")


class Hpus(Keyword):
    """``hpus``: Habana's processors."""

    keyword, modern = "hpus", "Trainer(accelerator='hpu', devices=…) with a plugin that offers 'hpu'"
    annotation: ClassVar[Any] = Count
    allowed: ClassVar[str] = "a count, or None"
    silent: ClassVar[tuple[Any, ...]] = (None, 0)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """The accelerator of that name."""
        put(given, "accelerator", "hpu", "hpus")
        put(given, "devices", value, "hpus")


class NumProcesses(Keyword):
    """``num_processes``: processes on the processor."""

    keyword, modern = "num_processes", "Trainer(accelerator='cpu', devices=…)"
    annotation: ClassVar[Any] = Annotated[int, Ge(1)] | None
    allowed: ClassVar[str] = "an int of at least 1, or None"
    silent: ClassVar[tuple[Any, ...]] = (None, 1)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """Where other devices are given, there is a process for each of these."""
        if given.get("accelerator") in (None, "auto", "cpu") and given.get("devices") in (None, "auto"):
            given.update(accelerator="cpu", devices=value)


class AutoSelectGpus(Keyword):
    """``auto_select_gpus``: take GPUs on which memory can be allocated."""

    keyword, modern = "auto_select_gpus", "Trainer(devices=[…]) with the indices of free GPUs"
    order: ClassVar[int] = -40
    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool | None
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (None, False)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """Turn a count into indices."""
        count = given.get("devices")
        if given.get("accelerator") == "gpu" and isinstance(count, int) and count > 0:
            given["devices"] = free_gpus(count)


def free_gpus(count: int) -> list[int]:
    """The first GPUs on which a tensor can be placed.

    Raises:
        leyden.errors.ConfigurationError: there are fewer.
    """
    import torch

    found = []
    for index in range(torch.cuda.device_count()):
        try:
            torch.ones(1, device=torch.device("cuda", index))
        except RuntimeError:
            continue  # another process holds it
        found.append(index)
    if len(found) < count:
        raise ConfigurationError(
            f"auto_select_gpus=True finds {len(found)} free GPU(s), and {count} are asked for."
        )
    return found[:count]


class DistributedBackend(Keyword):
    """``distributed_backend``: the strategy."""

    keyword, modern = "distributed_backend", "Trainer(strategy=…)"
    order: ClassVar[int] = -60
    annotation: ClassVar[Any] = str | None
    allowed: ClassVar[str] = "the name of a strategy, or None"

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """The strategy of that name."""
        distributed(value, given, "distributed_backend")


class ReplaceSamplerDDP(Keyword):
    """``replace_sampler_ddp``: give each process its share of the data."""

    keyword, modern = "replace_sampler_ddp", "Trainer(use_distributed_sampler=…)"
    default: ClassVar[Any] = True
    annotation: ClassVar[Any] = bool
    allowed: ClassVar[str] = "True or False"
    silent: ClassVar[tuple[Any, ...]] = (True,)

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """The same under its present name."""
        given["use_distributed_sampler"] = value


class AmpBackend(Keyword):
    """``amp_backend``: torch's mixed precision, or apex."""

    keyword, modern = "amp_backend", "Trainer(precision='16-mixed')"
    default: ClassVar[Any] = "native"
    annotation: ClassVar[Any] = str | None
    allowed: ClassVar[str] = "'native' or 'apex'"
    silent: ClassVar[tuple[Any, ...]] = (None, "native")

    def validate(self, value: Any, given: Any) -> Any:
        """One of the two."""
        value = super().validate(value, given)
        if value not in (None, "native", "apex"):
            raise ConfigurationError.about("amp_backend", value, self.allowed)
        return value

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """Apex's mixed precision is torch's."""
        if given.get("precision") in (16, "16"):
            given["precision"] = "16-mixed"


class AmpLevel(Keyword):
    """``amp_level``: how much of apex's mixed precision."""

    keyword, modern = "amp_level", "Trainer(precision='32-true', '16-mixed' or '16-true')"
    annotation: ClassVar[Any] = str | None
    allowed: ClassVar[str] = "'O0', 'O1', 'O2', 'O3' or None"
    levels: ClassVar[dict[str, str]] = {"O0": "32-true", "O1": "16-mixed", "O2": "16-mixed", "O3": "16-true"}

    def validate(self, value: Any, given: Any) -> Any:
        """One of the levels."""
        value = super().validate(value, given)
        if value is not None and value.upper() not in self.levels:
            raise ConfigurationError.about("amp_level", value, self.allowed)
        return value

    def become(self, value: Any, given: dict[str, Any]) -> None:
        """The precision of that level, where half precision is asked for."""
        if given.get("precision") in (16, "16", "16-mixed"):
            given["precision"] = self.levels[value.upper()]
