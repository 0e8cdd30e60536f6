"""What is installed, as constants."""

from __future__ import annotations

import operator
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from packaging.version import Version


def _at_least(distribution: str, wanted: str, compare: Any = operator.ge) -> bool:
    try:
        return bool(compare(Version(Version(version(distribution)).base_version), Version(wanted)))
    except PackageNotFoundError:
        return False


def _available(module: str) -> bool:
    return find_spec(module) is not None


_IS_WINDOWS = platform.system() == "Windows"
_IS_INTERACTIVE = hasattr(sys, "ps1")
_NUMPY_AVAILABLE = _available("numpy")
_RICH_AVAILABLE = _available("rich")
_OMEGACONF_AVAILABLE = _available("omegaconf")
_TORCHVISION_AVAILABLE = _available("torchvision")
_PSUTIL_AVAILABLE = _available("psutil")
_TENSORBOARD_AVAILABLE = _available("tensorboard")
_TENSORBOARDX_AVAILABLE = _available("tensorboardX")
_XLA_AVAILABLE = _available("torch_xla")
_PYTHON_GREATER_EQUAL_3_10_0 = True
_PYTHON_GREATER_EQUAL_3_11_0 = True


def __getattr__(name: str) -> Any:
    """``_TORCH_GREATER_EQUAL_2_4``, ``_TORCHMETRICS_GREATER_EQUAL_1_0_0`` and the like."""
    for prefix, distribution, compare in _COMPARISONS:
        if name.startswith(prefix) and name[len(prefix) :].replace("_", "").isdigit():
            return _at_least(distribution, name[len(prefix) :].replace("_", "."), compare)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_COMPARISONS = (
    ("_TORCH_GREATER_EQUAL_", "torch", operator.ge),
    ("_TORCH_LESS_EQUAL_", "torch", operator.le),
    ("_TORCH_EQUAL_", "torch", operator.eq),
    ("_TORCHMETRICS_GREATER_EQUAL_", "torchmetrics", operator.ge),
)
