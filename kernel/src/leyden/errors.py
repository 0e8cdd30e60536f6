"""Everything that Leyden raises on purpose."""

from __future__ import annotations

from leyden.plugins.errors import (
    ArgumentTypeError,
    CheckpointError,
    ConfigurationError,
    DetachedError,
    ExportMismatchError,
    HookSignatureError,
    LeydenError,
    PluginBlockedError,
    PluginBrokenError,
    PluginConflictError,
    PluginError,
    PluginNotFoundError,
    UserCodeError,
)

__all__ = [
    "ArgumentTypeError",
    "CheckpointError",
    "ConfigurationError",
    "DetachedError",
    "ExportMismatchError",
    "HookSignatureError",
    "LeydenError",
    "PluginBlockedError",
    "PluginBrokenError",
    "PluginConflictError",
    "PluginError",
    "PluginNotFoundError",
    "UserCodeError",
]
