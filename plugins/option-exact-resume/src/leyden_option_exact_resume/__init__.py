"""The Trainer keyword ``exact_resume``: workers go on where a checkpoint left them, and what cannot is said."""

from __future__ import annotations

from leyden_option_exact_resume.option import ExactResume

__all__ = ["ExactResume"]
