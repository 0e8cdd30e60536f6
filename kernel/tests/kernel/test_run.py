"""One run: whatever happens, what was set up is undone, and the caller learns what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leyden.kernel.events import EVENTS
from leyden.kernel.run import Cleanup, execute
from leyden.kernel.state import RunningStage, RunState, TrainerStatus
from leyden.plugins.adapt import Participant
from leyden.plugins.manager import Manager


class Journaled:
    """A session that writes down what is asked of it and fails where told.

    Args:
        failures: what to raise, by the place: ``set_up``, ``loop``, ``finish``, ``on_exception``, ``undo first`` …
    """

    def __init__(self, **failures: BaseException) -> None:
        self.failures = {name.replace("_", " "): error for name, error in failures.items()}
        self.trainer, self.module = "trainer", "module"
        self.state = RunState(should_stop=True, hook="stale")
        self.journal: list[str] = []
        manager = Manager(self.state)
        manager.register([self._listener("a"), self._listener("b")])
        self.hooks = manager.table

    def _listener(self, name: str) -> Participant:
        listener = Participant(name, "callback", self)
        call: Callable[..., None] = lambda error: self.visit(f"on exception {name}: {type(error).__name__}")  # noqa: E731
        listener.listen(EVENTS["on_exception"], call, ("exception",))
        return listener

    def visit(self, place: str) -> None:
        """Write the place down, and fail there when told to."""
        self.journal.append(place)
        error = self.failures.get(place.partition(":")[0])
        if error is not None:
            raise error

    def set_up(self, cleanup: Cleanup) -> None:
        """Two things to undo, one before and one after what may fail."""
        assert self.state.status is TrainerStatus.RUNNING
        assert not self.state.should_stop
        cleanup.callback(self.visit, "undo first")
        self.visit("set up")
        cleanup.callback(self.visit, "undo second")
        self.state.stage = RunningStage.TRAINING

    def loop(self) -> Any:
        """Return a result."""
        self.visit("loop")
        return "result"

    def finish(self) -> None:
        """The end of a run that went well."""
        self.visit("finish")


WELL = ["set up", "loop", "finish", "undo second", "undo first"]


def told(error: str) -> list[str]:
    """What listeners are told."""
    return [f"on exception a: {error}", f"on exception b: {error}"]


def test_a_run_that_goes_well() -> None:
    session = Journaled()
    assert execute(session) == "result"
    assert session.journal == WELL
    assert session.state.status is TrainerStatus.FINISHED
    assert (session.state.stage, session.state.hook) == (None, None)


@pytest.mark.parametrize(
    ("place", "journal"),
    [
        ("set_up", ["set up", *told("OSError"), "undo first"]),
        ("loop", ["set up", "loop", *told("OSError"), "undo second", "undo first"]),
        ("finish", ["set up", "loop", "finish", *told("OSError"), "undo second", "undo first"]),
        ("undo_second", WELL),
        ("undo_first", WELL),
    ],
)
def test_an_exception_keeps_its_type_and_everything_set_up_is_undone(place: str, journal: list[str]) -> None:
    error = OSError("disk")
    session = Journaled(**{place: error})
    with pytest.raises(OSError) as caught:
        execute(session)
    assert caught.value is error
    assert session.journal == journal
    assert session.state.status is TrainerStatus.INTERRUPTED
    assert (session.state.stage, session.state.hook) == (None, None)


@pytest.mark.parametrize("place", ["set_up", "loop", "finish", "undo_second"])
def test_ctrl_c_returns_control(place: str) -> None:
    session = Journaled(**{place: KeyboardInterrupt()})
    assert execute(session) is None
    assert session.state.status is TrainerStatus.INTERRUPTED
    assert session.journal[-1] == "undo first"


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, Warning])
def test_any_other_exception_reaches_the_caller(kind: type[BaseException]) -> None:
    session = Journaled(loop=kind("x"))
    with pytest.raises(kind):
        execute(session)
    assert session.journal == ["set up", "loop", *told(kind.__name__), "undo second", "undo first"]


def test_a_failing_listener_keeps_nobody_from_being_told() -> None:
    session = Journaled(loop=OSError("disk"), on_exception_a=ValueError("a"), on_exception_b=TypeError("b"))
    with pytest.raises(OSError) as caught:
        execute(session)
    assert session.journal == ["set up", "loop", *told("OSError"), "undo second", "undo first"]
    assert caught.value.__notes__ == ["leyden: then also ValueError: a"]


def test_the_first_error_is_raised_with_notes_about_those_of_the_cleanup() -> None:
    session = Journaled(loop=OSError("disk"), undo_first=ValueError("late"))
    with pytest.raises(OSError) as caught:
        execute(session)
    assert caught.value.__notes__ == ["leyden: then also ValueError: late"]
    assert session.journal[-1] == "undo first"


def test_two_errors_of_the_cleanup_are_both_told() -> None:
    session = Journaled(undo_second=OSError("disk"), undo_first=ValueError("late"))
    with pytest.raises(OSError, match="disk") as caught:
        execute(session)
    assert caught.value.__notes__ == ["leyden: then also ValueError: late"]


def test_an_error_in_the_cleanup_after_ctrl_c_is_not_lost() -> None:
    session = Journaled(loop=KeyboardInterrupt(), undo_first=ValueError("late"))
    with pytest.raises(ValueError, match="late"):
        execute(session)
    assert session.journal == ["set up", "loop", *told("KeyboardInterrupt"), "undo second", "undo first"]


def test_a_second_ctrl_c_in_the_cleanup_still_returns_control() -> None:
    session = Journaled(loop=KeyboardInterrupt(), undo_second=KeyboardInterrupt())
    assert execute(session) is None
    assert session.journal[-1] == "undo first"


def test_an_error_that_comes_out_twice_is_told_once() -> None:
    error = OSError("disk")
    with pytest.raises(OSError) as caught:
        execute(Journaled(loop=error, undo_first=error))
    assert not hasattr(caught.value, "__notes__")


class Alike(Exception):
    """Compares equal to every other one, as exceptions of some libraries do."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)

    __hash__ = Exception.__hash__


def test_errors_that_compare_equal_are_different_errors() -> None:
    with pytest.raises(Alike) as caught:
        execute(Journaled(loop=Alike("one"), undo_first=Alike("two")))
    assert caught.value.__notes__ == ["leyden: then also Alike: two"]


def test_a_session_without_listeners_needs_none() -> None:
    session = Journaled(loop=OSError("disk"))
    session.hooks = Manager(session.state).table
    with pytest.raises(OSError, match="disk"):
        execute(session)
    assert session.journal == ["set up", "loop", "undo second", "undo first"]


def test_the_status_during_the_cleanup_tells_how_the_run_went() -> None:
    seen: list[TrainerStatus] = []

    class Watching(Journaled):
        def visit(self, place: str) -> None:
            if place == "undo second":
                seen.append(self.state.status)
            super().visit(place)

    execute(Watching())
    with pytest.raises(OSError, match="disk"):
        execute(Watching(loop=OSError("disk")))
    assert seen == [TrainerStatus.RUNNING, TrainerStatus.INTERRUPTED]
