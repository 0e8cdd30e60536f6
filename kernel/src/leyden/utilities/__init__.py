"""Small things that users import beside the main classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._lazy import lazy

if TYPE_CHECKING:
    from leyden.api.combined import CombinedLoader as CombinedLoader
    from leyden.api.rank_zero import rank_zero_info as rank_zero_info
    from leyden.api.rank_zero import rank_zero_only as rank_zero_only
    from leyden.api.rng import isolate_rng as isolate_rng
    from leyden.api.transfer import move_to_device as move_to_device
    from leyden.api.warn import LeydenDeprecationWarning as LeydenDeprecationWarning
    from leyden.api.warn import LeydenWarning as LeydenWarning

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "CombinedLoader": "leyden.api.combined",
        "LeydenDeprecationWarning": "leyden.api.warn",
        "LeydenWarning": "leyden.api.warn",
        "isolate_rng": "leyden.api.rng",
        "model_summary": "leyden.utilities.model_summary",
        "move_to_device": "leyden.api.transfer",
        "rank_zero_info": "leyden.api.rank_zero",
        "rank_zero_only": "leyden.api.rank_zero",
    },
)
