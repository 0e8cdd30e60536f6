"""``BaseFinetuning`` and ``BackboneFinetuning``."""

from __future__ import annotations

from leyden_callback_finetuning.backbone import BackboneFinetuning, multiplicative
from leyden_callback_finetuning.base import BaseFinetuning

__all__ = ["BackboneFinetuning", "BaseFinetuning", "multiplicative"]
