"""Enumerations whose members are strings."""

from __future__ import annotations

from enum import Enum
from typing import Any


class LightningEnum(str, Enum):  # noqa: UP042  # whose str() is the name of the member
    """Members equal, and hash like, their value in any case."""

    @classmethod
    def from_str(cls, value: str, source: str = "key") -> Any:
        """The member of a name (``source="key"``), a value, or either (``"any"``); ``None`` when there is none."""
        text = value.lower()
        for member in cls:
            names = {"key": (member.name,), "value": (member.value,)}.get(source, (member.name, member.value))
            if text in (one.lower() for one in names):
                return member
        return None

    def __eq__(self, other: object) -> bool:
        text = other.value if isinstance(other, Enum) else other
        return isinstance(text, str) and self.value.lower() == text.lower()

    def __hash__(self) -> int:
        return hash(self.value.lower())


class GradClipAlgorithmType(LightningEnum):
    """How gradients are clipped."""

    VALUE = "value"
    NORM = "norm"

    @staticmethod
    def supported_type(val: str) -> bool:
        """Whether a value names one of them."""
        return any(one.value == val for one in GradClipAlgorithmType)

    @staticmethod
    def supported_types() -> list[str]:
        """Their values."""
        return [one.value for one in GradClipAlgorithmType]
