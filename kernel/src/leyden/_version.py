"""The one version that every distribution of the repository carries."""

from __future__ import annotations

__version__ = "0.1.0"
