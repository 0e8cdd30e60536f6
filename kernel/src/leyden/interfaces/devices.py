"""What the Trainer's ``devices`` may say about hardware that is counted."""

from __future__ import annotations

from typing import Any

from leyden.plugins.errors import ArgumentTypeError, ConfigurationError

ALLOWED = "'auto' or -1 (all), a number of devices, or a list of indices (also as a string: '2', '0,2')"
ALL = -1


def device_indices(devices: Any, available: int, kind: str, *, absence: str, hint: str = "") -> list[int]:
    """The indices that ``devices`` stands for.

    Args:
        devices: what the user wrote: a number n (the first n), ``-1`` or ``"auto"`` (all), a list or tuple of indices,
            or a string of these: ``"2"`` is a number, ``"0,2"`` and ``"1,"`` are lists.
        available: how many devices the machine shows to this process.
        kind: what the hardware is called in errors, e.g. ``"CUDA"``.
        absence: what to say where there is none: why, and what to do.
        hint: what to say about an index that is not there.

    Raises:
        leyden.errors.ConfigurationError: it means nothing, or the machine has fewer; names those that it has.
    """
    wanted = _read(devices)
    refusal = ""
    if wanted in (0, []):
        refusal = "A run needs a device."
    elif not available:
        refusal = absence
    elif wanted == ALL:
        return list(range(available))
    if not refusal:
        if isinstance(wanted, int):
            wanted = list(range(wanted)) if wanted > 0 else [wanted]
        if len(set(wanted)) < len(wanted):
            refusal = "Name each device once."
        elif set(wanted) <= set(range(available)):
            return wanted
    names = ", ".join(str(index) for index in range(available)) or "none"
    remedy = f"{kind} devices of this machine: {names}. {refusal or hint}".rstrip()
    raise ConfigurationError.about("devices", devices, ALLOWED, remedy)


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
