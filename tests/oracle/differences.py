"""Where Leyden does something else on purpose, and what it does instead.

One decision holds for every scenario and is therefore not in the table: a checkpoint may hold the one key of
its own that ``describe.OWN_CHECKPOINT_KEYS`` names.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]
Adapt = Callable[[Result], Result]


@dataclass(frozen=True)
class Difference:
    """A decision: why Leyden differs, and what the golden result becomes under it."""

    why: str
    adapt: Adapt


def torn_down(stage: str, *owners: str) -> Adapt:
    """The ``teardown`` hooks of ``owners`` run before the loggers are told that the run failed."""

    def adapt(golden: Result) -> Result:
        events = golden["events"]
        end = next(index for index, event in enumerate(events) if " Log.finalize(" in event)
        position = events[end].split(" Log.")[0]
        events[end:end] = [f"{position} {owner}.teardown(stage={stage!r})" for owner in owners]
        return golden

    return adapt


def returning(adapt: Adapt) -> Adapt:
    """As ``adapt``, and nothing reaches the caller."""
    return lambda golden: {**adapt(golden), "raised": None}


_FIT = torn_down("fit", "DM", "A", "B", "LM")
_ALWAYS = "teardown undoes what setup did, also after an exception"

DIFFERENCES: dict[str, Difference] = {
    "exception_in_setup": Difference(_ALWAYS, _FIT),
    "exception_in_training_step": Difference(_ALWAYS, _FIT),
    "exception_in_validation_step": Difference(_ALWAYS, _FIT),
    "exception_in_test_step": Difference(_ALWAYS, torn_down("test", "A", "LM")),
    "keyboard_interrupt": Difference(f"Ctrl-C returns control to the caller; {_ALWAYS}", returning(_FIT)),
}


def expected(scenario: str, golden: Result) -> Result:
    """What Leyden should do in ``scenario``, given what the reference does."""
    difference = DIFFERENCES.get(scenario)
    return golden if difference is None else difference.adapt(deepcopy(golden))
