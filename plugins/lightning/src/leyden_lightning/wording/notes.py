"""What is said through the logger ``leyden``."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^A stop was asked for\. Not before min_epochs=(\w+), min_steps=(\w+)",
        r"`min_epochs=\1` or `min_steps=\2` has not been met. Training will continue...",
    ),
    (r"^The fit ends: (\w+=\d+) is reached", r"`Trainer.fit` stopped: `\1` reached."),
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
    (
        r"^(\S+) has not improved in (\d+) checks?; the best was (\S+)\. Stopping",
        r"Monitored metric \1 did not improve in the last \2 records. Best score: \3. Signaling Trainer to stop.",
    ),
    (r"meets stopping_threshold", r"Stopping threshold reached."),
    (r"is worse than divergence_threshold", r"Divergence threshold reached."),
    (r"^(\S+) improved by (\S+) to (\S+)\.$", r"Metric \1 improved by \2. New best score: \3"),
    (r"^(\S+) is (\S+), the first value", r"Metric \1 improved. New best score: \2"),
)
