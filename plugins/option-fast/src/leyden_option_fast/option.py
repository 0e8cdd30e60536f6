"""What is made faster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from leyden.errors import ConfigurationError
from leyden.interfaces import Option


class Fast(Option):
    """``fast``: quicker ways to the same numbers, up to rounding."""

    default: ClassVar[Any] = False
    annotation: ClassVar[Any] = bool | str
    allowed: ClassVar[str] = (
        "False, 'auto' (fused optimizers where safe, verified), or 'fused' (not verified)"
    )
    doc: ClassVar[str] = (
        "fused optimizers where they are safe: 'auto' verifies the first steps, 'fused' does not"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool | str:
        if value is not False and value not in ("auto", "fused"):
            raise ConfigurationError.about("fast", value, self.allowed)
        return value  # type: ignore[no-any-return]

    def apply(self, value: bool | str, trainer: Any) -> None:
        if value:
            from leyden_option_fast.fused import FusedOptimizers

            trainer.add_listener(FusedOptimizers(verify=value == "auto"))
