"""What is said through the logger ``leyden``."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^A stop was asked for\. Not before min_epochs=(\w+), min_steps=(\w+)",
        r"`min_epochs=\1` or `min_steps=\2` has not been met. Training will continue...",
    ),
    (r"^barebones=True: no checkpoints", r"You are running in `Trainer(barebones=True)` mode."),
    (
        r"^configure_callbacks replaces (.*) of the Trainer",
        r"The callbacks returned by `configure_callbacks` override existing callbacks passed to Trainer: \1",
    ),
    (
        r"^The time is up",
        r"Time limit reached. Signaling Trainer to stop.",
    ),
    (
        r"^max_time is ignored",
        r"callbacks list already contains a Timer",
    ),
    (
        r"^SWALR takes the place of (\w+)",
        r"Swapping scheduler `\1` for `SWALR`",
    ),
)
