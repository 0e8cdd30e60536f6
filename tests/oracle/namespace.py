"""A package that offers Lightning's names: the real one, or Leyden."""

from __future__ import annotations

import importlib
import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

REFERENCE = "pytorch_lightning"


@dataclass(frozen=True)
class Namespace:
    """The three modules in which a program finds its names."""

    name: str
    root: Any
    callbacks: Any
    loggers: Any


def load(name: str) -> Namespace:
    """Import package ``name`` with its ``callbacks`` and ``loggers``.

    Raises:
        ImportError: the package is not installed.
    """
    with quiet():
        parts = [importlib.import_module(name + suffix) for suffix in ("", ".callbacks", ".loggers")]
    return Namespace(name, *parts)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and logging, and give the SIGINT handler back afterwards."""
    handler = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
            signal.signal(signal.SIGINT, handler)
