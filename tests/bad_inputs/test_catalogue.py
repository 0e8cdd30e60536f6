"""The catalogue and its machinery say what they mean."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from .case import Case, Control, shown
from .cases import CASES, CONTROLS, SPELLING
from .namespace import Namespace, load
from .outcome import Hang, Outcome, limited, mentions, run
from .spelling import MISSPELLED, offered
from .survey import broken_controls, survey, table

EVERY = (*CASES, *SPELLING)


def _case(*names: str, text: str = "", steps: int = 0) -> Case:
    """A case whose program runs some steps and then fails with a text."""

    def program(ns: Namespace, folder: Path) -> None:
        for _ in range(steps):
            ns.witness.step()
        if text:
            raise ValueError(text)

    return Case("kind/label", program, names)


@pytest.fixture
def ns() -> Namespace:
    return Namespace("pathlib", Path)


def test_ids_are_unique() -> None:
    assert [
        name for name, count in Counter(case.id for case in (*EVERY, *CONTROLS)).items() if count > 1
    ] == []


def test_every_case_names_something() -> None:
    assert [case.id for case in EVERY if not all(case.names) or not case.names] == []


def test_every_keyword_of_the_trainer_is_misspelled_twice() -> None:
    assert len(MISSPELLED) == 41
    assert len({wrong for pair in MISSPELLED.values() for wrong in pair} - set(MISSPELLED)) == 82


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("max_epochs=17 is not", "17", True),
        ("max_epochs=17.", "17", True),
        ("max_epochs=-17", "17", False),
        ("max_epochs=175", "17", False),
        ("max_epochs=17.5", "17", False),
        ("max_epochs=-7", "-7", True),
        ("train_dataloaders", "train_dataloader", True),
    ],
)
def test_a_number_counts_only_where_it_stands_alone(text: str, name: str, expected: bool) -> None:
    assert mentions(text, name) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("no", ("no",)),
        ("", ()),
        (True, ("True",)),
        ([17], ("17",)),
        ([], ("[]",)),
        (int, ("int",)),
        (Path(), ("PosixPath",)),
    ],
)
def test_values_are_recognised_by_what_an_error_would_show(value: object, expected: tuple[str, ...]) -> None:
    assert shown(value) == expected


def test_time_is_limited() -> None:
    started = time.monotonic()
    with pytest.raises(Hang), limited(0.05):
        while time.monotonic() < started + 30:
            pass
    assert time.monotonic() < started + 30


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (_case("alpha", text="alpha is wrong"), "clear"),
        (_case("alpha", text="something is wrong"), "unclear"),
        (_case("alpha", text="alpha is wrong", steps=1), "unclear"),
        (_case("alpha"), "silent"),
    ],
)
def test_verdicts(case: Case, verdict: str, ns: Namespace, tmp_path: Path) -> None:
    assert run(case, ns, tmp_path).verdict(case) == verdict


def test_a_hang_is_a_verdict(tmp_path: Path) -> None:
    outcome = Outcome(Hang("still running"), "", True, 5)
    assert outcome.verdict(_case("alpha")) == "hang"


def test_only_the_first_keyword_offered_counts() -> None:
    case = next(case for case in SPELLING if case.id == "spelling/max_epochs/max_epoch")
    assert offered(case, "no keyword 'max_epoch'; did you mean 'max_epochs'?")
    assert not offered(case, "no keyword 'max_epoch'; there are 'accelerator', 'max_epochs', 'strategy'")
    assert not offered(case, "unexpected keyword argument 'max_epoch'")


def test_the_survey_counts_and_runs_the_controls(ns: Namespace) -> None:
    rows = survey(ns, [_case("alpha", text="alpha is wrong"), _case("alpha")], seconds=5)
    assert "| kind | 2 | 1 | 0 | 1 | 0 | 0 |" in table(rows)
    good, broken = (
        Control(name, _case(text=text).program) for name, text in (("good", ""), ("broken", "bad"))
    )
    assert broken_controls(ns, [good, broken], seconds=5) == ["broken: ValueError: bad"]


def test_a_program_leaves_nothing_behind(ns: Namespace, tmp_path: Path) -> None:
    def program(ns: Namespace, folder: Path) -> None:
        Path("left").write_text("in the working directory")
        os.environ["LEFT"] = "in the environment"
        torch.use_deterministic_algorithms(True)

    before = Path.cwd()
    assert run(Control("good", program), ns, tmp_path).error is None
    assert Path.cwd() == before
    assert (tmp_path / "left").exists()
    assert "LEFT" not in os.environ
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_controls_run_on_the_reference(tmp_path: Path) -> None:
    pytest.importorskip("pytorch_lightning")
    reference = load("pytorch_lightning")
    assert broken_controls(reference, CONTROLS[:10], seconds=20) == []
