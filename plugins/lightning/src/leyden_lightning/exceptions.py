"""Exceptions that Lightning defines beside its one for wrong configuration."""

from __future__ import annotations


class SIGTERMException(SystemExit):
    """The process was asked to end."""


class _TunerExitException(Exception):
    """Ends a fit from inside a tuner's callback."""
