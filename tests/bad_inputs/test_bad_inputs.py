"""Every bad input is refused by Leyden, in time and in words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from .case import Case, Control
from .cases import CASES, CONTROLS, SPELLING
from .namespace import Namespace, load
from .outcome import Hang, Outcome, run
from .spelling import offered

# A hook that is a coroutine function may be called before it is refused.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


def _id(case: Case | Control) -> str:
    return case.id


@pytest.fixture(scope="module")
def ns() -> Namespace:
    return load("leyden")


def _skip_what_is_not_offered(ns: Namespace, case: Case | Control) -> None:
    lacking = [name for name in case.needs if not ns.has(name)]
    if lacking:
        pytest.skip(f"{ns.name} offers no {', '.join(lacking)}")


def _complaints(case: Case, outcome: Outcome, family: type[Exception]) -> list[str]:
    """What is wrong with the way a case ended."""
    if outcome.error is None:
        return [f"accepted silently; {case.why}"]
    if isinstance(outcome.error, Hang):
        return [str(outcome.error)]
    found = outcome.flaws(case)
    if not isinstance(outcome.error, (family, *case.raises)):
        found.append(f"is no {family.__name__} but {type(outcome.error).__name__}")
    if case.when == "construction" and outcome.built:
        found.append("comes after construction")
    return found


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_bad_input_is_refused_in_time_and_by_name(case: Case, ns: Namespace, tmp_path: Path) -> None:
    _skip_what_is_not_offered(ns, case)
    outcome = run(case, ns, tmp_path)
    complaints = _complaints(case, outcome, ns.errors.LeydenError)
    assert complaints == [], f"the error is:\n{outcome.text}\n\n{outcome.trace}"


@pytest.mark.parametrize("case", SPELLING, ids=_id)
def test_a_misspelled_keyword_is_answered_with_the_right_one(
    case: Case, ns: Namespace, tmp_path: Path
) -> None:
    outcome = run(case, ns, tmp_path)
    assert isinstance(outcome.error, ns.errors.LeydenError), outcome.trace
    assert isinstance(outcome.error, TypeError)
    assert not outcome.built
    assert offered(case, outcome.text), outcome.text


@pytest.mark.parametrize("control", CONTROLS, ids=_id)
def test_a_good_input_is_accepted(control: Control, ns: Namespace, tmp_path: Path) -> None:
    _skip_what_is_not_offered(ns, control)
    outcome = run(control, ns, tmp_path)
    assert outcome.error is None, outcome.trace
