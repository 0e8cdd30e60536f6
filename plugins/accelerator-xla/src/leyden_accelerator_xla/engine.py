"""torch_xla, where it is installed and fits the installed torch."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch

from leyden.errors import ConfigurationError

INSTALL = (
    "pip install torch_xla, of torch's own minor version, with the extra for your hardware: 'torch_xla[tpu]'"
)


def problem() -> str:
    """What keeps torch_xla from being used, as a sentence; empty when nothing does.

    Before an import is tried, hence without cost where torch_xla is not installed.
    """
    if find_spec("torch_xla") is None:
        return f"torch_xla is not installed: {INSTALL}."
    try:
        import_module("torch_xla")
    except Exception as error:  # a build for another torch fails with ImportError, OSError or what C++ throws
        return f"torch_xla does not work with torch {torch.__version__} ({error}): {INSTALL}."
    return ""


def engine(name: str = "torch_xla") -> Any:
    """A module of torch_xla.

    Args:
        name: e.g. ``"torch_xla.runtime"``.

    Raises:
        leyden.errors.ConfigurationError: it is not installed, or does not fit; says what to install.
    """
    wrong = problem()
    if wrong:
        raise ConfigurationError(f"XLA devices need torch_xla. {wrong}")
    return import_module(name)


def device_count() -> int:
    """The devices of this machine; counting them does not start the runtime, so processes can still be started.

    With ``PJRT_DEVICE=CPU`` in the environment XLA computes on the CPU, as one device.
    """
    if problem():
        return 0
    if os.environ.get("PJRT_DEVICE") == "CPU":
        return 1
    tpu = engine("torch_xla._internal.tpu")
    try:
        return int(tpu.num_available_devices()) if tpu.num_available_chips() else 0
    except (OSError, ValueError, AssertionError):  # what is asked over the network about the kind of TPU
        return 0
