"""Keywords of Lightning 1.x's Trainer, each as the present ones."""

from __future__ import annotations
