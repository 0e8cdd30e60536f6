"""The same program with Leyden and with pytorch-lightning, to compare what becomes of it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

LEYDEN = "leyden"
LIGHTNING = "pytorch_lightning"


class Package:
    """One of the two packages, by the names that programs use; tests subclass it with what they run.

    Args:
        name: ``"leyden"`` or ``"pytorch_lightning"``.
        folder: ``default_root_dir`` of its Trainers.

    Attributes:
        api: the package itself: ``LightningModule``, ``Trainer``, ``Callback``.
        callbacks: its module ``callbacks``.
        loggers: its module ``loggers``.
    """

    OFF: ClassVar[tuple[str, ...]] = (
        "logger",
        "enable_checkpointing",
        "enable_progress_bar",
        "enable_model_summary",
    )
    """Trainer keywords that are ``False`` unless given."""

    GIVEN: ClassVar[dict[str, Any]] = {"num_sanity_val_steps": 0, "devices": 1}
    """Trainer keywords and what they are unless given."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        with quiet():
            self.api = import_module(name)
            self.callbacks = import_module(f"{name}.callbacks")
            self.loggers = import_module(f"{name}.loggers")

    @classmethod
    def both(cls, folder: Path, *arguments: Any) -> tuple[Self, Self]:
        """Leyden and Lightning, each with a folder of its own; the test is skipped where the latter is missing.

        Args:
            folder: where their folders are made.
            arguments: further arguments of a subclass.
        """
        import pytest

        with quiet():
            pytest.importorskip(LIGHTNING)
        return cls(LEYDEN, folder / "ours", *arguments), cls(LIGHTNING, folder / "theirs", *arguments)

    @property
    def ours(self) -> bool:
        """Whether it is Leyden."""
        return self.name == LEYDEN

    def part(self, name: str) -> Any:
        """A module of the package, e.g. ``"tuner"``."""
        with quiet():
            return import_module(f"{self.name}.{name}")

    def trainer(self, *callbacks: Any, **keywords: Any) -> Any:
        """A Trainer on the CPU with what :attr:`GIVEN` says, and without what :attr:`OFF` names, unless it is given.

        Leyden's has the components of :mod:`leyden.testing.host`, so that no plugin needs to be installed.
        """
        given = {**self.GIVEN, "default_root_dir": self.folder, **dict.fromkeys(self.OFF, False)}
        if self.ours:
            given = {name: one for name, one in given.items() if name in accepted()} | host_components()
        else:
            given["accelerator"] = "cpu"
        with quiet():
            return self.api.Trainer(callbacks=list(callbacks), **{**given, **keywords})


def host_components() -> dict[str, Any]:
    """Keywords for a Trainer that needs no plugin."""
    from leyden.interfaces import Precision
    from leyden.testing.host import HostAccelerator, HostCheckpointIO, HostStrategy

    return {
        "accelerator": HostAccelerator(),
        "strategy": HostStrategy(),
        "plugins": [Precision(), HostCheckpointIO()],
    }


def accepted() -> set[str]:
    """The Trainer keywords of the kernel and of the installed options."""
    from leyden.api.keywords import KEYWORDS
    from leyden.plugins.catalogue import OPTIONS, catalogue

    return {*KEYWORDS, *(entry.name for entry in catalogue().group(OPTIONS))}


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning's warnings and notes are left out; a warning of Leyden's is an error."""
    levels = {name: logging.getLogger(name).level for name in ("lightning", LIGHTNING, "lightning.pytorch")}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="(?!leyden)")
        warnings.filterwarnings("error", message=r"\[")
        for name in levels:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
