"""What the user named is turned on when training begins, and off when the fit is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leyden.errors import ConfigurationError
from leyden_option_fast.technique import Technique, say


class Named:
    """Listens to a Trainer's runs for some techniques.

    Args:
        techniques: what was named.
    """

    def __init__(self, techniques: Sequence[Technique]) -> None:
        self.techniques = list(techniques)
        self.running: list[Technique] = []

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Turn everything on.

        Raises:
            leyden.errors.ConfigurationError: one of them is not possible in this fit.
        """
        for one in self.techniques:
            reason = one.obstacle(trainer, pl_module)
            if reason is not None:
                raise ConfigurationError(
                    f"fast={one.name!r} is not possible: {reason}. Leave it out, or write fast='auto', which takes "
                    "what is possible."
                )
        for one in self.techniques:
            self.running.append(one)
            one.begin(trainer, pl_module)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Loaders may be new."""
        for one in self.running:
            one.start_epoch()

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Leave nothing of it in a checkpoint."""
        for one in self.running:
            one.saving(checkpoint)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Turn everything off, also after an exception."""
        while self.running:
            one = self.running.pop()
            one.end()
            if told := one.report():
                say(f"{told}.")
