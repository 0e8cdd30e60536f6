"""Which module of Lightning's has which names, and what stands behind each. See :mod:`leyden_lightning.resolve`."""

from __future__ import annotations

from leyden_lightning.names import components, fabric, first, pytorch
from leyden_lightning.names.reasons import REASONS

__all__ = ["PAGES", "REASONS"]

PAGES: dict[str, dict[str, str]] = {}
for _source in (pytorch.PAGES, components.PAGES, fabric.PAGES, first.PAGES):
    PAGES.update(_source)
for _page, _names in first.MORE.items():
    PAGES[_page].update(_names)
