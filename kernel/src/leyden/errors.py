"""Everything that Leyden raises on purpose."""

from __future__ import annotations

from leyden.plugins.errors import (
    ArgumentTypeError,
    ConfigurationError,
    DetachedError,
    HookSignatureError,
    LeydenError,
    PluginBlockedError,
    PluginBrokenError,
    PluginConflictError,
    PluginError,
    PluginNotFoundError,
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


class UserCodeError(ConfigurationError, RuntimeError):
    """A method of the user's class is missing, has the wrong parameters, or returned what cannot be used."""


class UserCodeTypeError(UserCodeError, TypeError):
    """A method of the user's class gave something of a type that cannot be used, or nothing where data is needed."""


class NoModuleError(DetachedError, AttributeError):
    """A Trainer that has seen no module was asked for what only a module gives."""


class NoRunError(DetachedError, TypeError):
    """A part of a run was asked for before the run has begun."""


class CheckpointError(LeydenError, RuntimeError):
    """A checkpoint cannot be written, found, read or trusted."""


class ExportMismatchError(LeydenError, RuntimeError):
    """What an exporter wrote does not compute what the module computes."""
