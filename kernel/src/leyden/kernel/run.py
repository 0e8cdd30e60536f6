"""One run: from the user's call to the last teardown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from leyden.kernel.state import RunState, TrainerStatus
from leyden.kernel.table import HookTable, first_of


class Cleanup:
    """Steps that undo others, taken in reverse order, each whether or not another fails."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._steps: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def callback(self, undo: Callable[..., Any], *args: Any) -> None:
        """Add a step."""
        self._steps.append((undo, args))

    def close(self, errors: list[BaseException]) -> None:
        """Take all steps; what they raise is added to ``errors``."""
        while self._steps:
            undo, args = self._steps.pop()
            with _collect(errors):
                undo(*args)
            if errors:
                self._state.status = TrainerStatus.INTERRUPTED


class Session(Protocol):
    """What a run goes through, in this order."""

    trainer: Any
    module: Any
    hooks: HookTable
    state: RunState

    def set_up(self, cleanup: Cleanup) -> None:
        """Make everything ready; what has to be undone is pushed on ``cleanup`` as soon as it is done."""

    def loop(self) -> Any:
        """Run the loop and return what the user's call returns."""

    def finish(self) -> None:
        """What follows a loop that ended well."""


def execute(session: Session) -> Any:
    """Run a session; whatever happens, undo all that was set up, in reverse order.

    Returns:
        What the loop returned; ``None`` after ``KeyboardInterrupt``, which is not raised again: the
        status says ``interrupted``.

    Raises:
        BaseException: whatever user code or a plugin raised, its type kept, with notes on where it came from and on
            what else went wrong while cleaning up.
    """
    state = session.state
    state.hook = None
    state.status, state.should_stop = TrainerStatus.RUNNING, False
    errors: list[BaseException] = []
    result = None
    cleanup = Cleanup(state)
    try:
        session.set_up(cleanup)
        result = session.loop()
        session.finish()
    except BaseException as error:
        errors.append(error)
        state.status = TrainerStatus.INTERRUPTED
        with _collect(errors):
            _tell(session, error)
    cleanup.close(errors)
    state.status = TrainerStatus.INTERRUPTED if errors else TrainerStatus.FINISHED
    state.stage = None
    state.hook = None
    return result if not errors else _settle(errors)


def _tell(session: Session, error: BaseException) -> None:
    if session.hooks.on_exception:
        session.hooks.on_exception(session.trainer, session.module, error)


def _settle(errors: list[BaseException]) -> None:
    if isinstance(errors[0], KeyboardInterrupt):
        if all(isinstance(error, KeyboardInterrupt) for error in errors):
            return
        errors = errors[1:]
    raise first_of(errors)


@contextmanager
def _collect(errors: list[BaseException]) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not any(error is other for other in errors):
            errors.append(error)
