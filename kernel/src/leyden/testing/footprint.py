"""What a process holds: threads, children, open files, and settings that outlive a run."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

GRACE = 0.5
"""Seconds that a thread which is about to end gets."""

UNSET = "(unset)"
_TORCHS = "torch: "  # these appear when torch is first imported
_TRANSIENT = {"PYTEST_CURRENT_TEST"}


@dataclass(frozen=True)
class Footprint:
    """A snapshot; two of them are compared."""

    threads: frozenset[threading.Thread]
    processes: frozenset[int]
    handles: Counter[str]
    settings: dict[str, Any]

    @classmethod
    def take(cls) -> Self:
        """Look at this process as it is now."""
        return cls(frozenset(threading.enumerate()), frozenset(children()), open_handles(), settings())

    def new_threads(self, before: Footprint) -> list[str]:
        """Threads that were not there before and do not end by themselves."""
        new = self.threads - before.threads
        for thread in new:
            thread.join(GRACE)
        return sorted(f"thread {thread.name!r}" for thread in new if thread.is_alive())

    def new_processes(self, before: Footprint) -> list[str]:
        """Children that were not there before."""
        return [f"process {pid}" for pid in sorted(self.processes - before.processes)]

    def new_handles(self, before: Footprint) -> list[str]:
        """Files, sockets and pipes that were not open before."""
        return [f"open {name}" for name in sorted((self.handles - before.handles).elements())]

    def changed(self, before: Footprint) -> list[str]:
        """Settings that are not what they were."""
        old, new = before.settings, self.settings
        return [
            f"{name}: {old.get(name, UNSET)!r} became {new.get(name, UNSET)!r}"
            for name in sorted({*old, *new})
            if old.get(name, UNSET) != new.get(name, UNSET) and (name in old or not name.startswith(_TORCHS))
        ]


def children() -> list[int]:
    """The live child processes of this one; empty where the system has no ``/proc``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(path)
        if fields and int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def _stat(path: Path) -> list[str]:
    """State, parent and so on of a process; nothing when it has just ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def open_handles() -> Counter[str]:
    """What the process's file descriptors stand for; empty where the system has no ``/proc``."""
    names = (_target(path) for path in Path("/proc/self/fd").glob("*"))
    return Counter(name for name in names if name and _concerns(name))


def _target(path: Path) -> str:
    try:
        name = os.readlink(path)
    except OSError:
        return ""
    return name.partition(":")[0] if name.startswith(("socket:", "pipe:")) else name


def _concerns(name: str) -> bool:
    return name in ("socket", "pipe") or (name.startswith("/") and not name.startswith(("/dev/", "/proc/")))


def settings() -> dict[str, Any]:
    """Global settings by name."""
    found: dict[str, Any] = {
        "working directory": os.getcwd(),
        "sys.path": tuple(sys.path),
        "sys.excepthook": sys.excepthook,
        "threading.excepthook": threading.excepthook,
        "warnings.filters": tuple(warnings.filters),
        "tempfile.tempdir": tempfile.tempdir,
        "logging.root.level": logging.root.level,
        "logging.root.handlers": tuple(map(id, logging.root.handlers)),
    }
    environment = {f"os.environ[{k!r}]": v for k, v in os.environ.items() if k not in _TRANSIENT}
    return {**found, **environment, **_signals(), **_torch()}


def _signals() -> dict[str, Any]:
    return {
        f"handler of {one.name}": signal.getsignal(one)
        for one in signal.valid_signals()
        if isinstance(one, signal.Signals)
    }


_TORCH: dict[str, Callable[[Any], Any]] = {
    "default dtype": lambda torch: torch.get_default_dtype(),
    "default device": lambda torch: torch.get_default_device(),
    "number of threads": lambda torch: torch.get_num_threads(),
    "deterministic algorithms": lambda torch: torch.are_deterministic_algorithms_enabled(),
    "deterministic warn-only": lambda torch: torch.is_deterministic_algorithms_warn_only_enabled(),
    "gradients": lambda torch: torch.is_grad_enabled(),
    "inference mode": lambda torch: torch.is_inference_mode_enabled(),
    "anomaly detection": lambda torch: torch.is_anomaly_enabled(),
    "autocast": lambda torch: (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
    "float32 matmul precision": lambda torch: torch.get_float32_matmul_precision(),
    "cudnn.benchmark": lambda torch: torch.backends.cudnn.benchmark,
    "cudnn.deterministic": lambda torch: torch.backends.cudnn.deterministic,
    "process group": lambda torch: torch.distributed.is_available() and torch.distributed.is_initialized(),
}


def _torch() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    return {} if torch is None else {f"{_TORCHS}{name}": read(torch) for name, read in _TORCH.items()}
