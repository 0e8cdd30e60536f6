"""What programs read off ``ModelCheckpoint`` and ``EarlyStopping`` beside their public names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
