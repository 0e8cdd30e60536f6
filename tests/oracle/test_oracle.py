"""The oracle itself: nothing is left out, and a difference does not go unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.oracle import golden
from tests.oracle.compare import MOST_LINES, differences, events_diff
from tests.oracle.differences import DIFFERENCES, expected
from tests.oracle.scenarios import SCENARIOS

CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an event left out": lambda result: result["events"].pop(3),
    "an event twice": lambda result: result["events"].insert(3, result["events"][3]),
    "two events swapped": lambda result: result["events"].reverse(),
    "a counter": lambda result: result["counters"].update(global_step=99),
    "a flag in place of a number": lambda result: result["counters"].update(current_epoch=True),
    "a weight": lambda result: result["weights"].update({"layer.bias": [0.0, 0.0]}),
    "a metric more": lambda result: result["metrics"]["logged_metrics"].update(more=1.0),
    "a metric less": lambda result: result["metrics"]["logged_metrics"].pop("train_loss"),
    "a value less": lambda result: result["values"].pop(),
    "an exception": lambda result: result.update(raised="ValueError: boom"),
    "a return": lambda result: result.update(returns=[1]),
}


def test_every_scenario_has_its_golden_file_and_every_file_its_scenario() -> None:
    assert {path.stem for path in golden.FOLDER.iterdir()} == set(SCENARIOS)


def test_a_result_does_not_differ_from_itself() -> None:
    wanted = golden.read("fit_everything")
    assert differences(wanted, deepcopy(wanted)) == ""


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change: str) -> None:
    wanted = golden.read("fit_everything")
    changed = deepcopy(wanted)
    CHANGES[change](changed)
    assert differences(wanted, changed)


def test_rounding_is_no_difference_and_more_than_rounding_is() -> None:
    wanted = golden.read("fit_everything")
    near, far = deepcopy(wanted), deepcopy(wanted)
    near["weights"]["layer.bias"][0] += 5e-7
    far["weights"]["layer.bias"][0] += 5e-6
    assert not differences(wanted, near)
    assert "weights.layer.bias[0]" in differences(wanted, far)


def test_a_long_difference_is_shortened() -> None:
    account = events_diff([f"a{index}" for index in range(500)], [f"b{index}" for index in range(500)])
    assert len(account.splitlines()) == MOST_LINES + 1
    assert account.endswith("more lines")


@pytest.mark.parametrize("scenario", DIFFERENCES)
def test_a_decision_changes_its_golden_and_leaves_the_stored_one_alone(scenario: str) -> None:
    wanted = golden.read(scenario)
    before = deepcopy(wanted)
    assert differences(wanted, expected(scenario, wanted))
    assert wanted == before


def test_rendering_loses_nothing() -> None:
    wanted = golden.read("log_in_training")
    text = golden.path_of("log_in_training").read_text(encoding="utf-8")
    assert golden.render(wanted) == text
