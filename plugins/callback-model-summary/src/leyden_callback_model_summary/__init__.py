"""Summaries of modules: callbacks, the Trainer keyword ``enable_model_summary``, and :func:`summarize`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden_callback_model_summary.callback import ModelSummary
from leyden_callback_model_summary.option import EnableModelSummary
from leyden_callback_model_summary.rich import RichModelSummary

if TYPE_CHECKING:
    from leyden_callback_model_summary.summary import summarize

__all__ = ["EnableModelSummary", "ModelSummary", "RichModelSummary", "summarize"]


def __getattr__(name: str) -> Any:
    # The option takes part in every Trainer, and reading a keyword needs no torch.
    if name == "summarize":
        from leyden_callback_model_summary.summary import summarize

        return summarize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
