"""Devices as users write them."""

from __future__ import annotations

import os
from typing import Any

import torch

from leyden.errors import ConfigurationError


class _NoSuchType(ConfigurationError, TypeError):
    """A device list of the wrong type."""


def num_cuda_devices() -> int:
    """How many CUDA devices this process sees."""
    return torch.cuda.device_count()


def is_cuda_available() -> bool:
    """Whether there is one."""
    return torch.cuda.device_count() > 0


def find_usable_cuda_devices(num_devices: int = -1) -> list[int]:
    """CUDA devices on which a tensor can be made.

    Args:
        num_devices: how many; -1 for all.

    Raises:
        ValueError: the machine has fewer.
        RuntimeError: fewer of them can be used.
    """
    if num_devices == 0:
        return []
    there = num_cuda_devices()
    if num_devices > there or (num_devices > 0 and not there):
        raise ValueError(
            f"You requested to find {num_devices} devices but this machine only has {there} GPUs."
        )
    usable = []
    for index in range(there):
        try:
            torch.tensor(0, device=torch.device("cuda", index))
        except RuntimeError:
            continue
        usable.append(index)
        if len(usable) == num_devices:
            break
    if num_devices > len(usable):
        raise RuntimeError(f"You requested to find {num_devices} devices but only {len(usable)} are usable.")
    return usable


def _get_all_visible_cuda_devices() -> list[int]:
    return list(range(num_cuda_devices()))


def _check_unique(device_ids: list[int]) -> None:
    if len(device_ids) != len(set(device_ids)):
        raise ConfigurationError(f"Device ID's (GPU) must be unique, got {device_ids}.")


def _check_data_type(device_ids: object) -> None:
    text = f"Device IDs (GPU/TPU) must be an int, a string, a sequence of ints, got {device_ids!r}"
    if device_ids is None:
        raise _NoSuchType(f"{text}.")
    if isinstance(device_ids, list | tuple):
        if any(type(one) is not int for one in device_ids):
            raise _NoSuchType(f"{text}.")
    elif type(device_ids) not in (int, str):
        raise _NoSuchType(f"{text}.")


def _normalize_parse_gpu_string_input(s: int | str | list[int]) -> int | list[int]:
    if not isinstance(s, str):
        return s
    if s == "-1":
        return -1
    return [int(one) for one in s.split(",") if one.strip()] if "," in s else int(s.strip())


def _sanitize_gpu_ids(gpus: list[int], include_cuda: bool = False, include_mps: bool = False) -> list[int]:
    if os.environ.get("TORCHELASTIC_RUN_ID") and len(gpus) == 1:
        return gpus
    there = _get_all_visible_cuda_devices() if include_cuda else []
    there += [0] if include_mps and torch.backends.mps.is_available() else []
    if any(one not in there for one in gpus):
        raise ConfigurationError(f"You requested gpu: {gpus}\n But your machine only has: {there}")
    return gpus


def _parse_gpu_ids(gpus: Any, include_cuda: bool = False, include_mps: bool = False) -> list[int] | None:
    _check_data_type(gpus)
    if gpus in (0, "0", []):
        return None
    wanted = _normalize_parse_gpu_string_input(gpus)
    if isinstance(wanted, int):
        there = _get_all_visible_cuda_devices() if include_cuda else []
        wanted = there if wanted == -1 else list(range(wanted))
    if not wanted:
        raise ConfigurationError("GPUs requested but none are available.")
    _check_unique(wanted)
    return _sanitize_gpu_ids(list(wanted), include_cuda, include_mps)


def _determine_root_gpu_device(gpus: list[Any]) -> Any:
    if gpus is None:
        return None
    if not isinstance(gpus, list):
        raise _NoSuchType("GPUs should be a list")
    return gpus[0]


def find_free_network_port() -> int:
    """A port of this machine that nobody uses now."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind(("", 0))
        port: int = one.getsockname()[1]
    return port
