"""What ``devices`` may say about GPUs."""

from __future__ import annotations

from typing import Any

import torch

from leyden.errors import ArgumentTypeError, ConfigurationError

ALLOWED = "'auto' or -1 (all), a number of devices, or a list of indices (also as a string: '2', '0,2')"
ALL = -1


def indices(devices: Any, available: int) -> list[int]:
    """The indices that ``devices`` stands for.

    Args:
        devices: what the user wrote.
        available: how many devices the machine shows to this process.

    Raises:
        leyden.errors.ConfigurationError: it means nothing, or the machine has fewer.
    """
    wanted = _read(devices)
    if wanted in (0, []):
        raise _refused(devices, available, "A run needs a device.")
    if not available:
        raise _refused(devices, available, _why_none())
    if wanted == ALL:
        return list(range(available))
    if isinstance(wanted, int):
        wanted = list(range(wanted)) if wanted > 0 else [wanted]
    if len(set(wanted)) < len(wanted):
        raise _refused(devices, available, "Name each device once.")
    if not set(wanted) <= set(range(available)):
        raise _refused(devices, available, "CUDA_VISIBLE_DEVICES decides which devices a process sees.")
    return wanted


def _read(devices: Any) -> int | list[int]:
    """The number, or the list of indices, that was written; the number -1 for ``"auto"``."""
    if isinstance(devices, str):
        return _read_text(devices)
    if isinstance(devices, list | tuple) and all(_is_int(one) for one in devices):
        return list(devices)
    if _is_int(devices):
        return int(devices)
    raise ArgumentTypeError.about("devices", devices, ALLOWED)


def _read_text(text: str) -> int | list[int]:
    if text.strip() == "auto":
        return ALL
    try:
        if "," in text:
            return [int(part) for part in text.split(",") if part.strip()]
        return int(text)
    except ValueError:
        raise ConfigurationError.about("devices", text, ALLOWED) from None


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refused(devices: Any, available: int, remedy: str) -> ConfigurationError:
    names = ", ".join(str(index) for index in range(available)) or "none"
    remedy = f"CUDA devices of this machine: {names}. {remedy}"
    return ConfigurationError.about("devices", devices, ALLOWED, remedy)


def _why_none() -> str:
    if torch.version.cuda is None and torch.version.hip is None:
        built = f"The installed torch {torch.__version__} was built without CUDA"
        return f"{built}: install one with it, or use accelerator='cpu'."
    return "Look at the driver and at CUDA_VISIBLE_DEVICES, or use accelerator='cpu'."
