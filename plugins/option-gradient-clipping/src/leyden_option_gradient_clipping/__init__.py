"""The Trainer keywords ``gradient_clip_val`` and ``gradient_clip_algorithm``."""

from __future__ import annotations

from leyden_option_gradient_clipping.options import GradientClipAlgorithm, GradientClipVal

__all__ = ["GradientClipAlgorithm", "GradientClipVal"]
