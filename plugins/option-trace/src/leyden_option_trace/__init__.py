"""The Trainer keyword ``trace``: what each plugin cost in each hook."""

from __future__ import annotations

from leyden_option_trace.option import TraceOption

__all__ = ["TraceOption"]
