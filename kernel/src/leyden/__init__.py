"""Leyden: PyTorch Lightning's user API on a microkernel. Importing it imports neither torch nor a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden._version import __version__
from leyden.api._lazy import lazy

if TYPE_CHECKING:  # for type checkers; at run time the names below are imported when first used
    from leyden.api.callback import Callback as Callback
    from leyden.api.datamodule import LightningDataModule as LightningDataModule
    from leyden.api.logger import Logger as Logger
    from leyden.api.module import LightningModule as LightningModule
    from leyden.api.rng import seed_everything as seed_everything
    from leyden.api.trainer import Trainer as Trainer
    from leyden.plugins.manager import hookimpl as hookimpl

_NAMES = {
    "Callback": "leyden.api.callback",
    "LightningDataModule": "leyden.api.datamodule",
    "LightningModule": "leyden.api.module",
    "Logger": "leyden.api.logger",
    "Trainer": "leyden.api.trainer",
    "seed_everything": "leyden.api.rng",
    "hookimpl": "leyden.plugins.manager",
    **{
        name: f"leyden.{name}"
        for name in (
            "accelerators", "callbacks", "checkpoint_ios", "environments", "errors", "exporters",
            "interfaces", "loggers",
            "metrics", "plugins", "precisions", "profilers", "strategies", "testing", "tuner", "tuners",
            "utilities",
        )
    },
}  # fmt: skip

__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
__all__ += ["__version__"]
