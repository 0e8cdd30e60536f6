"""The same fits with Lightning: the same epoch, reason and state."""

from __future__ import annotations

from typing import Any

import pytest

from leyden_callback_early_stopping import EarlyStoppingReason

NAN, INF = float("nan"), float("inf")

CONFIGURATIONS: dict[str, tuple[dict[str, Any], list[float], dict[str, Any]]] = {
    "improves": ({}, [5, 4, 3, 2, 1, 0.5], {}),
    "patience": ({"patience": 2}, [3, 2, 2.5, 2.2, 1, 1], {}),
    "patience of one": ({"patience": 1}, [3, 2, 2, 1, 1, 1], {}),
    "patience of none": ({"patience": 0}, [3, 2, 2, 1, 1, 1], {}),
    "patience starts anew": ({"patience": 2}, [3, 4, 2, 3, 1, 2], {}),
    "max": ({"mode": "max", "patience": 2}, [1, 2, 3, 2, 2, 9], {}),
    "min_delta": ({"min_delta": 0.5, "patience": 2}, [3, 2.6, 2.4, 2.3, 1.8, 1.75], {}),
    "min_delta of max": ({"min_delta": 0.5, "patience": 2, "mode": "max"}, [1, 1.4, 1.6, 1.8, 3, 3.1], {}),
    "nan": ({}, [3, NAN, 1, 1, 1, 1], {}),
    "inf": ({}, [3, 2, INF, 1, 1, 1], {}),
    "nan goes on": ({"check_finite": False, "patience": 2}, [3, NAN, 2, NAN, NAN, 1], {}),
    "nan at first": ({"check_finite": False, "patience": 4}, [NAN, 3, 2, 1, 1, 1], {}),
    "good enough": ({"stopping_threshold": 1.5}, [3, 2, 1, 0, 0, 0], {}),
    "good enough of max": ({"stopping_threshold": 0.9, "mode": "max"}, [0.1, 0.9, 0.95, 0, 0, 0], {}),
    "diverged": ({"divergence_threshold": 4}, [3, 4, 5, 0, 0, 0], {}),
    "diverged of max": ({"divergence_threshold": 0.2, "mode": "max"}, [0.5, 0.2, 0.1, 0, 0, 0], {}),
    "diverged with a sign": ({"divergence_threshold": -1}, [-3, -2, -0.5, -9, -9, -9], {}),
    "threshold before patience": ({"patience": 1, "stopping_threshold": 2.5}, [3, 2, 9, 9, 9, 9], {}),
    "min_epochs": ({"patience": 1}, [3, 4, 5, 1, 1, 1], {"min_epochs": 4}),
    "train metric": ({"monitor": "train_loss", "patience": 2}, [3, 2, 2.5, 2.2, 1, 1], {}),
    "at validation's end": ({"check_on_train_epoch_end": False, "patience": 2}, [3, 2, 2.5, 2.2, 1, 1], {}),
    "validation twice": ({"patience": 3}, [3, 2, 2.5, 2.2, 2.1, 1], {"val_check_interval": 0.5}),
    "validation every second epoch": (
        {"patience": 1},
        [3, 2, 2.5, 1, 1, 1.5],
        {"check_val_every_n_epoch": 2},
    ),
    "sanity check": ({"patience": 1}, [3, 2, 1, 2, 1, 1], {"num_sanity_val_steps": 1}),
    "trying": ({"patience": 0}, [3, 3, 3, 3, 3, 3], {"fast_dev_run": True}),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_epoch_and_state(name: str, both: Any) -> None:
    arguments, values, run = CONFIGURATIONS[name]
    found = []
    for bench in both:
        callback = bench.stopping(**arguments)
        trainer = bench.fit(
            callback, score=lambda step: values[min(step // 2, 5)], **{"max_epochs": 6, **run}
        )
        state = callback.state_dict()
        said = state.pop("stopping_reason_message") is not None
        state["best_score"] = state["best_score"].item()
        found.append(
            (trainer.current_epoch, trainer.global_step, state, said, callback.state_key, callback.min_delta)
        )
    assert repr(found[0]) == repr(found[1])


def test_it_stops_somewhere_in_this_table(bench: Any) -> None:
    reasons = set()
    for arguments, values, run in CONFIGURATIONS.values():
        callback = bench.stopping(**arguments)
        bench.fit(
            callback, score=lambda step, values=values: values[min(step // 2, 5)], **{"max_epochs": 6, **run}
        )
        reasons.add(int(callback.stopping_reason))
    assert reasons == {0, 1, 2, 3, 4}


def test_the_reasons_have_the_same_numbers() -> None:
    theirs = pytest.importorskip("pytorch_lightning.callbacks.early_stopping").EarlyStoppingReason
    assert {one.name: one.value for one in EarlyStoppingReason} == {one.name: one.value for one in theirs}


def test_states_are_taken_both_ways(both: Any) -> None:
    for one, other in (both, both[::-1]):
        made = one.stopping(patience=2)
        one.fit(made, score=float, max_epochs=6)
        taken = other.stopping(patience=2)
        taken.load_state_dict(made.state_dict())
        assert taken.state_dict() == made.state_dict()
        assert taken.stopping_reason.value == made.stopping_reason.value == 3
