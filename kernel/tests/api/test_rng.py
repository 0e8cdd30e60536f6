"""Random generators: seeding, saving, giving back."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
import torch

from leyden import seed_everything
from leyden.api.rng import MAX_SEED, isolate_rng, rng_state, set_rng_state
from leyden.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def drawn() -> list[float]:
    """A number from each generator."""
    found = [random.random(), float(torch.rand(()))]
    numpy = pytest.importorskip("numpy")
    return [*found, float(numpy.random.random())]


def test_one_seed_sets_every_generator() -> None:
    assert seed_everything(7, verbose=False) == 7
    first = drawn()
    seed_everything(7, verbose=False)
    assert drawn() == first
    seed_everything(8, verbose=False)
    assert drawn() != first


def test_the_seed_is_told_to_others_through_the_environment() -> None:
    seed_everything(7, workers=True, verbose=False)
    assert (os.environ["PL_GLOBAL_SEED"], os.environ["PL_SEED_WORKERS"]) == ("7", "1")
    assert seed_everything(verbose=False) == 7
    assert os.environ["PL_SEED_WORKERS"] == "0"


def test_without_a_seed_it_is_zero() -> None:
    assert seed_everything(verbose=False) == 0


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, True, 1.5, "x", [1]], ids=repr)
def test_what_is_no_seed_is_refused(seed: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"seed_everything\(seed\)=.*from 0 to {MAX_SEED}"):
        seed_everything(seed)


@pytest.mark.parametrize("seed", [0, MAX_SEED, "12"])
def test_the_whole_range_is_possible(seed: Any) -> None:
    assert seed_everything(seed, verbose=False) == int(seed)


def test_a_wrong_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "many")
    with pytest.raises(ConfigurationError, match="'many'"):
        seed_everything()


def test_the_state_goes_through_a_file_that_runs_no_code(tmp_path: Any) -> None:
    drawn()
    torch.save(rng_state(), tmp_path / "state")
    first = [drawn(), random.gauss(0, 1)]
    set_rng_state(torch.load(tmp_path / "state", weights_only=True))
    assert [drawn(), random.gauss(0, 1)] == first


def test_isolation_gives_everything_back_whatever_happens() -> None:
    drawn()
    with isolate_rng():
        first = drawn()
    with pytest.raises(KeyError), isolate_rng():
        drawn()
        raise KeyError
    assert drawn() == first
