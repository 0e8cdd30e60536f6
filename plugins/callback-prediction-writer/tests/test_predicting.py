from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, RandomSampler

from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden_callback_prediction_writer import BasePredictionWriter, WriteInterval


def plain(numbers: Any) -> Any:
    return DataLoader(numbers(7), batch_size=3)


def with_workers(numbers: Any) -> Any:
    return DataLoader(numbers(7), batch_size=3, num_workers=1)


def several(numbers: Any) -> Any:
    return [DataLoader(numbers(4), batch_size=2), DataLoader(numbers(3), batch_size=3)]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shuffled loaders are meant."""
    monkeypatch.setenv("LEYDEN_SILENCE", "shuffled-evaluation")


@pytest.mark.parametrize("keep", [None, False], ids=["kept", "not kept"])
@pytest.mark.parametrize("interval", ["batch", "epoch", "batch_and_epoch"])
@pytest.mark.parametrize("data", [plain, with_workers, several], ids=lambda one: one.__name__)
def test_as_lightning(
    both: Any, writer: Any, predict: Any, numbers: Any, data: Any, interval: str, keep: Any
) -> None:
    found = []
    for bench in both:
        made = writer(bench, interval)
        returned = predict(bench, data(numbers), made, keep=keep)
        found.append((made.got, returned, str(made.interval.value), made.state_key))
    assert found[0] == found[1]
    assert found[0][0]
    assert (found[0][1] is None) is (keep is False)


def test_samplers_of_ones_own(bench: Any, writer: Any, predict: Any, numbers: Any) -> None:
    """Lightning predicts in the order of the dataset instead."""
    made = writer(bench, "batch")
    predict(bench, DataLoader(numbers(5), batch_sampler=BatchSampler([4, 2, 0, 1, 3], 2, False)), made)
    assert [one[2] for one in made.got] == [[4, 2], [0, 1], [3]]
    assert [one[3] for one in made.got] == [[[4.0], [2.0]], [[0.0], [1.0]], [[3.0]]]


@pytest.mark.usefixtures("silent")
def test_workers_that_draw_ahead(bench: Any, writer: Any, predict: Any, numbers: Any) -> None:
    made = writer(bench, "batch_and_epoch")
    data = DataLoader(numbers(12), batch_size=2, shuffle=True, num_workers=2, persistent_workers=True)
    sampler = data.batch_sampler
    predict(bench, data, made, keep=False, limit_predict_batches=4)
    batches = [(one[2], one[3]) for one in made.got if one[0] == "batch"]
    assert len(batches) == 4
    assert all([[float(index)] for index in indices] == batch for indices, batch in batches)
    assert made.got[-1][2] == [[indices for indices, _ in batches]]
    assert data.batch_sampler is sampler


class Stream(IterableDataset):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        return iter(torch.arange(4.0).reshape(4, 1))


@pytest.mark.parametrize(
    "data",
    [
        lambda: DataLoader(Stream(), batch_size=2),
        lambda: DataLoader(torch.arange(4.0).reshape(2, 2, 1), batch_size=None),  # type: ignore[arg-type]
        lambda: [[torch.zeros(2, 1)], [torch.zeros(2, 1)]][:1],
    ],
    ids=["iterable", "no batching", "list"],
)
def test_indices_that_are_not_known(bench: Any, writer: Any, predict: Any, data: Any) -> None:
    made = writer(bench, "batch_and_epoch")
    predict(bench, data(), made)
    assert all(one[2] == [] for one in made.got[:-1])
    assert made.got[-1][2] == [[]]


@pytest.mark.usefixtures("silent")
def test_two_writers(bench: Any, writer: Any, predict: Any, numbers: Any) -> None:
    first, second = writer(bench, "batch"), writer(bench, "epoch")
    data = DataLoader(numbers(6), batch_size=2, sampler=RandomSampler(numbers(6)))
    predict(bench, data, first, second)
    assert second.got[0][2] == [[one[2] for one in first.got]]
    assert sorted(one for batch in second.got[0][2][0] for one in batch) == list(range(6))


@pytest.mark.usefixtures("silent")
def test_the_loader_and_its_random_numbers_are_left_alone(
    bench: Any, writer: Any, predict: Any, numbers: Any
) -> None:
    def data() -> Any:
        return DataLoader(numbers(6), batch_size=2, shuffle=True)

    assert predict(bench, data()) == predict(bench, data(), writer(bench, "epoch"))


def test_nothing_is_held_after_the_call(bench: Any, writer: Any, predict: Any, numbers: Any) -> None:
    made = writer(bench, "epoch")
    predict(bench, plain(numbers), made)
    assert (made._predictions, made._indices, made._recordings) == ([], [], [])


@pytest.mark.filterwarnings("ignore:.predict-none")
def test_predictions_of_none(bench: Any, writer: Any, numbers: Any) -> None:
    from leyden.testing import TinyData, TinyModule

    class Half(TinyModule):
        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return None if batch_idx == 0 else torch.ones(1)

    made = writer(bench, "epoch")
    bench.trainer(made).predict(Half(), TinyData())
    assert made.got == [("epoch", [None, [1.0]], [[[0, 1, 2, 3], [4, 5, 6, 7]]])]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("batches", ConfigurationError, "Did you mean 'batch'"),
        ("never", ConfigurationError, "'batch', 'epoch' or 'batch_and_epoch'"),
        (1, ArgumentTypeError, "write_interval=1"),
    ],
)
def test_arguments(value: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        BasePredictionWriter(value)
    assert type(caught.value) is kind


def test_intervals() -> None:
    assert BasePredictionWriter(WriteInterval.EPOCH).interval is WriteInterval.EPOCH
    assert [(one.on_batch, one.on_epoch) for one in WriteInterval] == [
        (True, False),
        (False, True),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("interval", "method"), [("batch", "write_on_batch_end"), ("epoch", "write_on_epoch_end")]
)
def test_what_must_be_overridden(leyden_run: Any, interval: Any, method: str) -> None:
    outcome = leyden_run("predict", callbacks=[BasePredictionWriter(interval)])
    assert isinstance(outcome.exception, UserCodeError)
    assert f"does not override {method}" in str(outcome.exception)
    assert "on_predict_start" not in outcome.events
    leyden_run("fit", callbacks=[BasePredictionWriter(interval)]).ok()
