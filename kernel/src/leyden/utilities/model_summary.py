"""Summaries of modules, from the installed plugin: ``from leyden.utilities.model_summary import summarize``."""

from __future__ import annotations

from leyden.api._views import view

__getattr__, __dir__ = view("utilities.model_summary")
