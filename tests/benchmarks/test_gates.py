"""What a step and an import cost, counted: instructions of our own code, memory that stays, modules."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import pytest
import torch

from leyden_callback_progress import Throttle
from tests.benchmarks import calls, everything, instructions, schemes, startup, subjects
from tests.benchmarks.subjects import TINY

python_3_11 = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="other versions of Python have other instructions"
)
MODULES = """
import json, sys
{first}
before = set(sys.modules)
{then}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@python_3_11
@pytest.mark.parametrize(
    ("what", "most"),
    [("training", 295), ("validation", 105), ("training, 1 metric", 485), ("training, everything on", 870)],
)
@pytest.mark.filterwarnings("ignore")
def test_a_step_executes_few_instructions_of_our_own(
    what: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How often a bar is redrawn depends on the time: on a busy machine once more than on another.
    monkeypatch.setattr(Throttle, "drawn", lambda throttle, began: setattr(throttle, "next", inf))
    found = instructions.a_step(instructions.PROFILE[what])
    assert 50 < sum(found.values()) <= most, found


def test_a_validation_step_adds_15_calls_at_most() -> None:
    hand = calls.a_step(lambda count: subjects.validate_by_hand(TINY, count))
    assert calls.a_step(lambda count: subjects.validate("leyden", TINY, count)).over(hand).both <= 15


def test_a_logged_metric_costs_15_calls_at_most() -> None:
    bare, one, twenty = (
        calls.a_step(partial(subjects.fit, "leyden", TINY, metrics=metrics)) for metrics in (0, 1, 20)
    )
    assert one.over(bare).both <= 20  # with what is done once a batch
    assert twenty.over(one).both / 19 <= 15


@pytest.mark.parametrize("optimizers", [1, 2])
def test_manual_optimization_adds_25_calls_an_optimizer_at_most(optimizers: int) -> None:
    hand = calls.a_step(lambda count: schemes.manual_by_hand(TINY, count, optimizers))
    ours = calls.a_step(lambda count: schemes.manual("leyden", TINY, count, optimizers))
    assert ours.over(hand).both <= 25 * optimizers


def kept_a_step(loop: Callable[[Callable[[int], None]], object]) -> float:
    """Blocks of memory that stay after a step, uncollected; ``loop`` calls its argument in each of 300 steps."""
    blocks = [0] * 300

    def note(step: int) -> None:
        blocks[step] = sys.getallocatedblocks()

    gc.collect()
    gc.disable()
    try:
        loop(note)
    finally:
        gc.enable()
    return (blocks[299] - blocks[99]) / 200


@pytest.mark.filterwarnings("ignore")
def test_a_step_keeps_no_memory() -> None:
    def by_hand(note: Callable[[int], None]) -> None:
        network = subjects.seeded(TINY)
        optimizer = TINY.optimizer(network.parameters())
        for step, (inputs, targets) in enumerate(TINY.loader(300)):
            note(step)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(inputs), targets).backward()
            optimizer.step()

    def with_leyden(note: Callable[[int], None]) -> None:
        def training_step(batch: Any, batch_idx: int) -> Any:
            note(batch_idx)
            return type(module).training_step(module, batch, batch_idx)

        module = subjects.module_of("leyden", TINY)
        module.__dict__["training_step"] = training_step
        subjects.trainer_of("leyden").fit(module, TINY.loader(300))

    # torch keeps some itself, in cycles; a step of ours adds a part of a block, where lists grow
    assert kept_a_step(with_leyden) - kept_a_step(by_hand) < 1


@pytest.mark.filterwarnings("ignore")
def test_by_hand_and_with_everything_on_the_weights_are_the_same() -> None:
    hand, ours = everything.by_hand(TINY, 6), everything.with_framework("leyden", TINY, 6)
    pairs = zip(hand.state_dict().values(), ours.state_dict().values(), strict=True)
    assert all(one.equal(two) for one, two in pairs)


def test_importing_the_usual_names_adds_few_modules() -> None:
    program = MODULES.format(first="import torch", then=startup.IMPORTS["leyden"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout.splitlines()[-1])
    packages = {name.partition(".")[0] for name in modules}
    foreign = packages - set(sys.stdlib_module_names)
    assert {name for name in foreign if not name.startswith("leyden")} <= {
        "annotated_types", "importlib_metadata", "pluggy", "zipp",
    }  # fmt: skip
    assert len(modules) <= 130
