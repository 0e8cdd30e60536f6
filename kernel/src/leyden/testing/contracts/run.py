"""What everything that takes part in a run is held to."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from leyden.testing.contracts.base import EntryContract
from leyden.testing.drive import Runner
from leyden.testing.fingerprint import Globals, fingerprint
from leyden.testing.outcome import Outcome
from leyden.testing.wanted import required_plugins

STAGES = ("fit", "validate", "test", "predict")
FAILURES = [
    ("fit", "setup", RuntimeError),
    ("fit", "training_step", RuntimeError),
    ("fit", "training_step", KeyboardInterrupt),
    ("fit", "validation_step", RuntimeError),
    ("test", "test_step", RuntimeError),
]


class RunContract(EntryContract):
    """It runs in every stage, leaves nothing behind, shares nothing, writes on rank zero alone, and keeps its state.

    Runs are of :class:`~leyden.testing.TinyModule`, which logs ``train_loss``, ``val_loss`` and ``test_loss``; only the
    plugin's distribution, those it requires, and the kernel may run.

    Attributes:
        stages: the stages it is run in.
        shared: names of module or class attributes (``module.NAME``) that runs share on purpose.
    """

    stages: ClassVar[tuple[str, ...]] = STAGES
    shared: ClassVar[frozenset[str]] = frozenset()

    def keywords(self, component: Any) -> dict[str, Any]:
        """The Trainer's keywords that make a component take part."""
        raise NotImplementedError(f"{type(self).__name__} is of no family; subclass the contract of one.")

    def further_keywords(self) -> dict[str, Any]:
        """More keywords for the Trainer, e.g. a logger for a callback that needs one."""
        return {}

    def held_by(self, component: Any) -> Any:
        """What of a new instance must not depend on earlier ones; the default is all of it."""
        return component

    def run(self, *stages: str, component: Any = None, **keywords: Any) -> Outcome:
        """Run stages with a component (a new one by default); the arguments are those of ``leyden_run``."""
        made = self.make() if component is None else component
        given = {"allowed": self.allowed(), **self.keywords(made), **self.further_keywords(), **keywords}
        return Runner(self.folder)(*stages, **given)

    def allowed(self) -> list[str]:
        """The distributions that may take part in the runs."""
        return sorted(required_plugins(self.entry().distribution))

    def assert_nothing_left(self, outcome: Outcome) -> None:
        """No thread, process or open file outlived a run, and all settings are what they were."""
        assert self.meant(outcome.left) == []
        assert self.meant(outcome.settings) == []

    @pytest.mark.parametrize("stage", STAGES)
    def test_runs_and_leaves_nothing(self, stage: str) -> None:
        """A run ends well, and nothing is left of it."""
        if stage in self.stages:
            made = self.make()
            self.assert_nothing_left(self.run(stage, component=made).ok())

    @pytest.mark.parametrize(("stage", "method", "error"), FAILURES)
    def test_closes_after_an_exception(self, stage: str, method: str, error: type[BaseException]) -> None:
        """An exception comes out as it was raised, and nothing is left of the run."""
        from leyden.testing.tiny import TinyModule

        if stage not in self.stages:
            return
        made = self.make()
        outcome = self.run(stage, component=made, module=TinyModule(fail_in=method, error=error))
        if error is KeyboardInterrupt:
            assert outcome.exception is None and outcome.trainer.interrupted
        else:
            assert type(outcome.exception) is error, outcome.exception
            assert str(outcome.exception) == f"raised in {method} of TinyModule"
        self.assert_nothing_left(outcome)

    def test_two_runs_share_nothing(self) -> None:
        """Runs leave no trace in modules and classes, and the next instance is like the first."""
        first = fingerprint(self.held_by(self.make()))
        package = self.entry().module.partition(".")[0]
        before = Globals(package)
        for _ in range(2):
            self.run(*self.stages).ok()
        changed = [one for one in Globals(package).changed(before) if one not in self.shared]
        assert changed == [], "these outlive a run; keep them on the instance"
        assert fingerprint(self.held_by(self.make())) == first, "a new instance depends on earlier ones"

    def test_two_runs_with_one_instance(self) -> None:
        """The same instance serves a second Trainer."""
        made = self.make()
        for _ in range(2):
            self.run("fit", component=made).ok()

    def test_writes_on_rank_zero_alone(self) -> None:
        """Another rank writes and prints nothing."""
        outcome = self.run(*self.stages, rank=1).ok()
        assert (outcome.files, outcome.stdout, outcome.stderr) == ([], "", "")

    def test_state_round_trips(self) -> None:
        """The state after a run is data that can be loaded safely, and another instance takes all of it."""
        made = self.make()
        if not hasattr(made, "state_dict"):
            return
        self.run("fit", component=made).ok()
        state = made.state_dict()
        kept = copy.deepcopy(state)
        loaded = safely_reloaded(state)
        other = self.make()
        other.load_state_dict(loaded)
        assert fingerprint(made.state_dict()) == fingerprint(kept), (
            "loading into one instance changed another"
        )
        assert_same_state(other.state_dict(), kept)


def safely_reloaded(state: Mapping[str, Any]) -> Any:
    """The state as a checkpoint gives it back: written by ``torch.save``, read with ``weights_only=True``."""
    import torch

    held = io.BytesIO()
    torch.save(state, held)
    held.seek(0)
    return torch.load(held, weights_only=True)


def assert_same_state(found: Any, wanted: Any) -> None:
    """Two states hold the same."""
    assert fingerprint(found) == fingerprint(wanted), f"{found!r} was given back for {wanted!r}"
