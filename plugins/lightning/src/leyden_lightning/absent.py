"""Strategies and accelerators that no installed distribution brings.

Programs import these classes to recognise them (``isinstance(trainer.strategy, DeepSpeedStrategy)``) or to ask whether
the hardware is there (``XLAAccelerator.is_available()``), and Lightning has the classes whether or not what they need
is installed. So they exist; making one says what to install.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from leyden.errors import PluginNotFoundError

_STRATEGIES = (
    "DDPStrategy",
    "DeepSpeedStrategy",
    "FSDPStrategy",
    "ModelParallelStrategy",
    "ParallelStrategy",
    "SingleDeviceXLAStrategy",
    "XLAStrategy",
)
_ACCELERATORS = ("CPUAccelerator", "CUDAAccelerator", "MPSAccelerator", "XLAAccelerator")


class AbsentComponentError(PluginNotFoundError, ImportError):
    """The component's distribution is not installed."""


@cache
def placeholder(family: str, name: str, why: str) -> type | None:
    """A class that can be named, subclassed and asked after, and not made; ``None`` for other names.

    Args:
        family: the family of the component.
        name: the class's name.
        why: what making one says.
    """
    if family == "strategies" and name in _STRATEGIES:
        from leyden.interfaces.strategy import Strategy

        return type(name, (Strategy,), {"__init__": _refuse(why), "__doc__": why, "__module__": __name__})
    if family == "accelerators" and name in _ACCELERATORS:
        from leyden.interfaces.accelerator import Accelerator

        nowhere = {"is_available": staticmethod(lambda: False), "auto_device_count": staticmethod(lambda: 0)}
        body = {"__init__": _refuse(why), "__doc__": why, "__module__": __name__, "name": name.lower()}
        return type(name, (Accelerator,), {**body, **nowhere, "__abstractmethods__": frozenset()})
    return None


def _refuse(why: str) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        raise AbsentComponentError(why)

    return __init__
