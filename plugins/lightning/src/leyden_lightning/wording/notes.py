"""What is said through the logger ``leyden``."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^A stop was asked for\. Not before min_epochs=(\w+), min_steps=(\w+)",
        r"`min_epochs=\1` or `min_steps=\2` has not been met. Training will continue...",
    ),
)
