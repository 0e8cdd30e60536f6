"""Leyden: PyTorch Lightning's user API on a microkernel. Importing it imports neither torch nor a plugin."""

from __future__ import annotations

from leyden._version import __version__
from leyden.api._lazy import lazy

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
            "metrics", "plugins", "precisions", "profilers", "strategies", "testing", "tuners", "utilities",
        )
    },
}  # fmt: skip

__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
__all__ += ["__version__"]
