"""The contract of step schemes."""

from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing.contracts.run import RunContract


class StepContract(RunContract):
    """A ``StepScheme`` of ``leyden.steps``.

    Override :meth:`keywords` or :meth:`module` so that a run takes the scheme.

    Attributes:
        updates: how many optimizer steps one epoch of two batches makes.
    """

    group: ClassVar[str] = "leyden.steps"
    imports_torch: ClassVar[bool] = True
    updates: ClassVar[int] = 2

    def make(self) -> Any:
        """The scheme of a run."""
        return self.run("fit").ok().trainer.session.step

    def held_by(self, component: Any) -> Any:
        """The plain values; the rest belongs to the session."""
        return {
            name: one for name, one in vars(component).items() if isinstance(one, bool | int | float | str)
        }

    def module(self) -> Any:
        """The module that is trained by the scheme."""
        from leyden.testing.tiny import TinyModule

        return TinyModule()

    def keywords(self, component: Any) -> dict[str, Any]:
        """None: a module names its scheme."""
        return {}

    def run(self, *stages: str, component: Any = None, **keywords: Any) -> Any:
        """Run stages with a module of the scheme."""
        return super().run(*stages, component=component or "named", **{"module": self.module(), **keywords})

    def test_a_run_takes_the_scheme(self) -> None:
        """The session's step is of the class, and it counts its updates."""
        outcome = self.run("fit").ok()
        assert isinstance(outcome.trainer.session.step, self.entry().load())
        assert outcome.trainer.global_step == self.updates

    def test_training_trains(self) -> None:
        """The loss is smaller after some epochs."""
        first = self.run("fit", max_epochs=1).ok().metrics["train_loss"]
        assert self.run("fit", max_epochs=5).ok().metrics["train_loss"] < first
