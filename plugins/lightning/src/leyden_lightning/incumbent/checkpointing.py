"""What programs read off ``ModelCheckpoint`` and ``EarlyStopping`` beside their public names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from leyden.api.warn import LeydenWarning, warn
from leyden_lightning import wording


class CheckpointMembers:
    """Members for ``ModelCheckpoint``."""

    @property
    def _every_n_train_steps(self) -> int:
        return int(self._trigger.every_n_train_steps)  # type: ignore[attr-defined]

    @property
    def _every_n_epochs(self) -> int:
        return int(self._trigger.every_n_epochs)  # type: ignore[attr-defined]

    @property
    def _train_time_interval(self) -> Any:
        return self._trigger.train_time_interval  # type: ignore[attr-defined]

    def _format_checkpoint_name(
        self,
        filename: str | None,
        metrics: Mapping[str, Any],
        prefix: str | None = None,
        auto_insert_metric_name: bool = True,
    ) -> str:
        from leyden_callback_checkpoint.names import Template

        join = self.CHECKPOINT_JOIN_CHAR  # type: ignore[attr-defined]
        equals = self.CHECKPOINT_EQUALS_CHAR if auto_insert_metric_name else None  # type: ignore[attr-defined]
        name = Template.parse(filename or join.join(("{epoch}", "{step}"))).render(metrics, equals)
        return str(join.join([prefix, name])) if prefix is not None else name


def worded_reason(name: str = "stopping_reason_message") -> property:
    """``EarlyStopping.stopping_reason_message``, followed by the piece of text that programs look for."""

    def get(self: Any) -> str | None:
        text = vars(self).get(name)
        return text if text is None else wording.worded(text, "notes")

    def put(self: Any, text: str | None) -> None:
        vars(self)[name] = text

    return property(get, put)


def told_of_files(setup: Callable[..., None]) -> Callable[..., None]:
    """``ModelCheckpoint.setup``, which says when its folder already holds something."""

    @wraps(setup)
    def told(self: Any, trainer: Any, pl_module: Any, stage: str) -> None:
        setup(self, trainer, pl_module, stage)
        if stage == "fit" and self.save_top_k != 0 and trainer.is_global_zero and _holds_files(self.dirpath):
            warn(
                "checkpoint-folder",
                f"{self.dirpath} is not empty: checkpoints join what is there.",
                LeydenWarning,
            )

    return told


def _holds_files(folder: str) -> bool:
    return os.path.isdir(folder) and bool(os.listdir(folder))


def told_of_move(load: Callable[[Any, dict[str, Any]], None]) -> Callable[[Any, dict[str, Any]], None]:
    """``ModelCheckpoint.load_state_dict``, which says when files of the checkpoint stand in another folder."""

    @wraps(load)
    def told(self: Any, state_dict: dict[str, Any]) -> None:
        new, old = self.dirpath, state_dict.get("dirpath")
        load(self, state_dict)
        if new is not None and old is not None and new != old:
            warn(
                "checkpoint-dirpath",
                f"ModelCheckpoint(dirpath) changed from {old!r} to {new!r}: the best earlier file alone counts.",
                LeydenWarning,
            )

    return told
