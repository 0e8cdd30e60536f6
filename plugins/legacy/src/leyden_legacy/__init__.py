"""Lightning 1.x's API for Leyden, in the same program as 2.x's."""

from __future__ import annotations
