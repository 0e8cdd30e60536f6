"""Small things that users import beside the main classes."""

from __future__ import annotations

from leyden.api._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "CombinedLoader": "leyden.api.combined",
        "LeydenDeprecationWarning": "leyden.api.warn",
        "LeydenWarning": "leyden.api.warn",
        "isolate_rng": "leyden.api.rng",
        "move_to_device": "leyden.api.transfer",
        "rank_zero_info": "leyden.api.rank_zero",
        "rank_zero_only": "leyden.api.rank_zero",
    },
)
