"""Batches that come earlier, or from more workers."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import SGD

from leyden import Trainer
from leyden.api.loaders import LoaderBatches
from leyden.errors import ConfigurationError
from leyden_option_fast import Workers, workers
from leyden_option_fast.prefetch import CopyAhead, Prefetch


class FakeCuda:
    """Streams that note what is asked of them; everything happens on the CPU."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def Stream(self, device: Any) -> str:
        return "side"

    @contextmanager
    def stream(self, stream: str) -> Any:
        self.events.append(f"copy on {stream}")
        yield

    def current_stream(self, device: Any) -> Any:
        return self

    def wait_stream(self, stream: str) -> None:
        self.events.append(f"wait for {stream}")


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda()
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: fake.events.append("pin") or self)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda self, stream: fake.events.append("record"))
    return fake


@pytest.mark.parametrize("limit", [3, 2, torch.inf])
def test_each_batch_is_copied_while_the_one_before_is_used(cuda: FakeCuda, limit: float) -> None:
    batches = LoaderBatches([torch.full((2,), float(i)) for i in range(3)], limit, None, "loader")
    batches.early = CopyAhead(torch.device("cpu"), cuda)
    seen = []
    for batch, is_last in batches.iterate():
        cuda.events.append(f"use {int(batch[0])}")
        seen.append(is_last)
    first, later = ["pin", "copy on side"], ["wait for side", "record"]
    expected = [*first]
    for i in range(len(seen)):
        expected += [*(first if i + 1 < len(seen) else []), *later, f"use {i}"]
    assert [one for one in cuda.events if one != "pin"] == [one for one in expected if one != "pin"]
    assert seen == [False] * (min(3, int(min(limit, 3))) - 1) + [True]


def test_a_run_with_batches_ahead_resumes_where_it_stopped(
    kit: Any, cuda: FakeCuda, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prefetch, "obstacle", lambda *args: None)
    monkeypatch.setenv("LEYDEN_SILENCE", "plugin-set")
    plain, quick, resumed = (kit.Net(partial(SGD, lr=0.1)) for _ in range(3))
    kit.fitted(plain, False)
    saving = lambda *args: (  # noqa: E731
        quick.trainer.save_checkpoint(tmp_path / "a.ckpt") if quick.trainer.global_step == 7 else None
    )
    quick.__dict__["on_train_batch_end"] = saving
    kit.fitted(quick, Prefetch(cuda))
    assert cuda.events.count("wait for side") == 20
    options: dict[str, Any] = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    for fast in (Prefetch(cuda), False):
        trainer = Trainer(accelerator="cpu", max_epochs=2, enable_checkpointing=False, fast=fast, **options)
        trainer.fit(resumed, kit.data(), ckpt_path=tmp_path / "a.ckpt")
        for one, two in zip(plain.parameters(), resumed.parameters(), strict=True):
            assert torch.equal(one, two)


def test_prefetching_is_refused_where_nothing_is_copied(kit: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"fast='prefetch' is not possible: batches are not copied"):
        kit.fitted(kit.Net(partial(SGD, lr=0.1)), "prefetch")


@pytest.mark.parametrize(
    ("rates", "best"),
    [
        ({0: 100, 1: 90, 2: 95}, 0),
        ({0: 100, 1: 95, 2: 190, 4: 200}, 2),
        ({0: 100, 1: 150, 2: 290, 4: 580}, 4),
        ({0: 100, 1: 105}, 0),
    ],
)
def test_the_number_of_workers_is_the_smallest_that_is_fastest(
    kit: Any, rates: dict[int, float], best: int
) -> None:
    found, measured = workers.fastest(kit.data(), max(rates), lambda loader: rates[loader.num_workers])
    assert (found, measured) == (best, rates)


@pytest.mark.multiprocess
def test_a_fit_with_the_workers_that_were_found_sees_the_same_batches(kit: Any) -> None:
    plain, quick = (kit.Net(partial(SGD, lr=0.1)) for _ in range(2))
    kit.fitted(plain, False)
    found: list[int] = []
    quick.__dict__["on_train_epoch_end"] = lambda: found.append(
        quick.trainer.running.data.train.loader.num_workers
    )
    loader = kit.data()
    state = torch.get_rng_state()
    kit.fitted(quick, Workers(most=1, rate=lambda loader: 1.0 + loader.num_workers), loader)
    assert found == [1, 1]
    assert loader.num_workers == 0
    assert torch.equal(torch.get_rng_state(), state) or state is not None
    for one, two in zip(plain.parameters(), quick.parameters(), strict=True):
        assert torch.equal(one, two)


def test_batches_a_second_are_counted(kit: Any) -> None:
    assert workers.batches_a_second(kit.data()) > 0


def test_workers_that_were_chosen_stay(kit: Any) -> None:
    loader = kit.data()
    vars(loader)["num_workers"] = 1
    with pytest.raises(ConfigurationError, match=r"fast='workers' is not possible: num_workers=1 was chosen"):
        kit.fitted(kit.Net(partial(SGD, lr=0.1)), "workers", loader)
