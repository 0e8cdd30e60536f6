"""Says, or refuses, what cannot be resumed exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.api.resumable import ResumableCombination, ResumableLoader
from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden.kernel.state import Point, TrainerStatus
from leyden_option_exact_resume.reasons import reasons
from leyden_option_exact_resume.tracked import TrackedLoader

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class Watch:
    """Looks at the training data of a fit.

    Args:
        required: refuse to train, rather than warn when a checkpoint is saved inside an epoch.
    """

    def __init__(self, required: bool) -> None:
        self.required = required
        self._told = self._told_inside = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse.

        Raises:
            leyden.errors.ConfigurationError: a checkpoint inside an epoch could not be resumed exactly.
        """
        found = findings(trainer) if self.required else []
        if found:
            raise ConfigurationError(
                f"exact_resume='require' is not possible: {'; '.join(found)}. Change that, or leave exact_resume out."
            )

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Say it once, when the first checkpoint inside an epoch is saved, or inside a batch or a validation pass.

        Raises:
            leyden.errors.ConfigurationError: the latter, and exactness is required.
        """
        state, session = trainer.run_state, trainer.session
        # What is saved of a fit that has failed is rescued wherever it stands.
        if session is not None and state.status == TrainerStatus.RUNNING and session.data.under_way():
            self._inside(session.data.under_way())
        inside = state.point not in (Point.EPOCH_START, Point.EPOCH_END) and not state.is_last_batch
        if inside and not self._told:
            self._told = True
            found = findings(trainer)
            if found:
                warn(
                    "inexact-resume",
                    "A checkpoint is saved inside an epoch, and a run that resumes from it may see other batches than "
                    f"this one: {'; '.join(found)}. Trainer(exact_resume='require') refuses to train; False is silent.",
                )

    def _inside(self, under_way: str) -> None:
        text = (
            f"A checkpoint is saved inside {under_way}, and a run that resumes from it does all of that again, with "
            "other random numbers. Save in on_train_batch_end, on_validation_end or on_train_epoch_end instead"
        )
        if self.required:
            raise ConfigurationError(f"exact_resume='require' is not possible: {text}.")
        if not self._told_inside:
            self._told_inside = True
            warn("inexact-resume", f"{text}; Trainer(exact_resume='require') refuses, False is silent.")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End persistent workers: they belong to copies of the user's loaders, so nobody can use them again."""
        if trainer.session is not None:
            data = trainer.session.data
            used = [data.train, *(one for loaders in data.evaluation.values() for one in loaders)]
            for source in (one.source for one in used if one is not None):
                for part in _parts(source):
                    if isinstance(part, TrackedLoader) and part.workers:
                        part.end_workers()


def findings(trainer: Trainer) -> list[str]:
    """Why the training data cannot be resumed exactly; empty when it can."""
    session = trainer.session
    train = session.data.train if session is not None else None
    if train is None:
        return []
    found = [reason for part in _parts(train.source) for reason in reasons(part, train.limit)]
    return [f"{train.name}: {one}" for one in dict.fromkeys(found)]


def _parts(source: ResumableLoader | ResumableCombination) -> list[ResumableLoader]:
    return source.parts if isinstance(source, ResumableCombination) else [source]
