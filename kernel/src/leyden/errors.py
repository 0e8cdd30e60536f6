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
    NoModuleError,
    NoRunError,
    PluginBlockedError,
    PluginBrokenError,
    PluginConflictError,
    PluginError,
    PluginNotFoundError,
    UserCodeError,
    UserCodeTypeError,
)

__all__ = [
    "ArgumentTypeError",
    "CheckpointError",
    "ConfigurationError",
    "DetachedError",
    "ExportMismatchError",
    "HookSignatureError",
    "LeydenError",
    "NoModuleError",
    "NoRunError",
    "PluginBlockedError",
    "PluginBrokenError",
    "PluginConflictError",
    "PluginError",
    "PluginNotFoundError",
    "UserCodeError",
    "UserCodeTypeError",
]
