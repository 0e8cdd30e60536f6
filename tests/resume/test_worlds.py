"""With another number of processes the order of samples goes on: none is repeated, none is left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.resume.worlds import SIZE, Phase, chain

pytestmark = [
    pytest.mark.multiprocess,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*(world-size|plugin-set|num_workers)"),
]
CHAINS: dict[str, list[Phase]] = {
    "one, two": [Phase("single_device", 1, 7), Phase("ddp", 2)],
    "two, one": [Phase("ddp", 2, 3), Phase("single_device", 1)],
    "two, three, two": [Phase("ddp", 2, 2), Phase("ddp", 3, 3), Phase("ddp", 2)],
    "one, two, two, one": [
        Phase("single_device", 1, 3),
        Phase("ddp", 2, 3),
        Phase("ddp", 2, 1),
        Phase("single_device", 1),
    ],
    "two, one, fully sharded": [Phase("fsdp", 2, 3), Phase("fsdp", 1)],
    "one, three, fully sharded": [Phase("single_device", 1, 5), Phase("fsdp", 3)],
    "one, two, model parallel": [Phase("single_device", 1, 5), Phase("model_parallel", 2)],
}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """The order of the epoch, as one process has it and as several do."""
    runs = {"single_device": Phase("single_device", 1), "several": Phase("ddp", 2)}
    return {name: chain(tmp_path_factory.mktemp(name), [one])[0] for name, one in runs.items()}


@pytest.mark.parametrize("name", CHAINS)
def test_the_order_goes_on(name: str, uninterrupted: dict[str, list[int]], tmp_path: Path) -> None:
    began, processes = CHAINS[name][0].strategy, CHAINS[name][-1].processes
    options = {"num_workers": 2} if name == "one, two" else {}
    first, second = chain(tmp_path, CHAINS[name], **options)
    assert first[:SIZE] == uninterrupted[began if began == "single_device" else "several"]
    assert len(first) - SIZE < processes, "samples that fill the last batch of all"
    assert sorted(second[:SIZE]) == list(range(SIZE))
    assert len(second) - SIZE < processes
    assert first[:SIZE] != second[:SIZE] != sorted(second[:SIZE])


def test_combined_loaders_go_on_after_as_many_batches(
    uninterrupted: dict[str, list[int]], tmp_path: Path
) -> None:
    phases = [Phase("ddp", 2, 3), Phase("ddp", 3)]
    first, _ = chain(tmp_path, phases, combined=True)
    assert first[:SIZE] == uninterrupted["several"]
