"""The option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Option

if TYPE_CHECKING:
    from leyden import Trainer

Wish = bool | Literal["require"]


class ExactResume(Option):
    """``exact_resume``: what becomes of loaders whose place a checkpoint cannot hold exactly.

    ``True`` keeps the random numbers of worker processes and of datasets in checkpoints, and warns where a checkpoint
    inside an epoch could not be resumed exactly. ``"require"`` refuses to train then. ``False`` does neither.
    """

    default: ClassVar[Any] = True
    annotation: ClassVar[Any] = bool | str | None
    allowed: ClassVar[str] = "True, 'require' or False"
    doc: ClassVar[str] = (
        "resume inside an epoch bit for bit; 'require' refuses to train where that is impossible"
    )

    def validate(self, value: Any, given: Mapping[str, Any]) -> Wish:
        if isinstance(value, str) and value != "require":
            raise ConfigurationError.about("exact_resume", value, self.allowed)
        if value is not None and not isinstance(value, bool | str):
            raise ArgumentTypeError.about("exact_resume", value, self.allowed)
        checked: Wish = False if value is None else value  # type: ignore[assignment]
        return checked

    def apply(self, value: Wish, trainer: Trainer) -> None:
        if value is False:
            return
        from leyden_option_exact_resume.listener import Watch
        from leyden_option_exact_resume.tracked import TrackedLoader

        trainer.resumable_loader = TrackedLoader
        trainer.add_listener(Watch(value == "require"))
