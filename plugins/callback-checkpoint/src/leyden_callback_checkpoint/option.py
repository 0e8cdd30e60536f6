"""The Trainer keyword ``enable_checkpointing``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option

if TYPE_CHECKING:
    from leyden import Trainer


class EnableCheckpointing(Option):
    """Adds a :class:`ModelCheckpoint` with its default arguments where no checkpoint callback is given."""

    default: ClassVar[Any] = True
    annotation: ClassVar[Any] = bool | None
    order: ClassVar[int] = 10
    doc: ClassVar[str] = "keep the latest checkpoint of a fit unless a callback decides what is kept"

    def validate(self, value: Any, given: Mapping[str, Any]) -> bool:
        if value is not None and not isinstance(value, bool):
            raise ArgumentTypeError.about("enable_checkpointing", value, "True or False")
        callbacks = given.get("callbacks")
        self._check(value, callbacks if isinstance(callbacks, list | tuple | set) else [callbacks])
        return value is not False

    def apply(self, value: bool, trainer: Trainer) -> None:
        self._check(value, trainer.callbacks)
        if value and not _keepers(trainer.callbacks):
            from leyden_callback_checkpoint.callback import ModelCheckpoint

            trainer.callbacks.append(ModelCheckpoint())

    def _check(self, value: Any, callbacks: Iterable[Any]) -> None:
        keepers = _keepers(callbacks)
        if value is False and keepers:
            raise ConfigurationError(
                "enable_checkpointing=False is not possible while callbacks holds a "
                f"{type(keepers[0]).__name__}. Leave out one of the two."
            )


def _keepers(callbacks: Iterable[Any]) -> list[Any]:
    from leyden.callbacks import Checkpoint

    return [one for one in callbacks if isinstance(one, Checkpoint)]
