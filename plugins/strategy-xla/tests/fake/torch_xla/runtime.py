"""Of ``torch_xla.runtime``."""

from __future__ import annotations

from torch_xla import _processes


def world_size() -> int:
    return _processes.size


def global_ordinal() -> int:
    return _processes.rank


def local_ordinal() -> int:
    return _processes.rank


def host_index() -> int:
    return 0


def addressable_device_count() -> int:
    return 1


def get_master_ip() -> str:
    return "127.0.0.1"
