"""``leyden demo``: a classifier for handwritten digits, from training to reloading."""

from __future__ import annotations
