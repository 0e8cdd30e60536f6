from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchmetrics
from torch import Tensor, tensor
from torchmetrics import functional

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.metrics import Accuracy
from leyden.testing import Runner, TinyModule


def random(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def labels(classes: int, *shape: int) -> Tensor:
    return torch.randint(0, classes, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("arguments", "preds", "target", "expected"),
    [
        ({}, tensor([0, 2, 1, 3]), tensor([0, 1, 2, 3]), 0.5),
        ({}, tensor([0.1, 0.5, 0.4, 0.9]), tensor([0, 1, 1, 1]), 0.75),
        ({"threshold": 0.3}, tensor([0.1, 0.5, 0.4, 0.9]), tensor([0, 1, 1, 1]), 1.0),
        ({}, tensor([True, False]), tensor([True, True]), 0.5),
        ({}, tensor([[0.1, 0.9, 0], [0.3, 0.1, 0.6], [0.2, 0.5, 0.3]]), tensor([0, 1, 2]), 0.0),
        ({"top_k": 2}, tensor([[0.1, 0.9, 0], [0.3, 0.1, 0.6], [0.2, 0.5, 0.3]]), tensor([0, 1, 2]), 2 / 3),
        ({"top_k": 3}, tensor([[0.1, 0.9, 0]]), tensor([2]), 1.0),
        ({}, tensor([[0.9, 0.2], [0.8, 0.7]]), tensor([[1, 1], [1, 0]]), 0.5),
        ({"subset_accuracy": True}, tensor([[0.9, 0.2], [0.8, 0.7]]), tensor([[1, 0], [1, 0]]), 0.5),
        ({}, tensor([[1, 2], [3, 4]]), tensor([[1, 2], [3, 0]]), 0.75),
        ({"subset_accuracy": True}, tensor([[1, 2], [3, 4]]), tensor([[1, 2], [3, 0]]), 0.5),
        ({"subset_accuracy": True}, tensor([1, 2]), tensor([1, 3]), 0.5),
        ({}, tensor([[0.9], [0.2]]), tensor([1, 1]), 0.5),
        ({}, tensor([[[0.2]]]), tensor([0]), 1.0),
        ({}, tensor([[0.1, 0.9]]), tensor([1]), 1.0),
        ({}, tensor([[-5.0, 3.0], [7.0, 2.0]]), tensor([1, 1]), 0.5),
        ({}, tensor([[0.1, 0.9], [0.6, 0.4]], dtype=torch.float16), tensor([1, 0]), 1.0),
    ],
)
def test_values_worked_out_by_hand(
    arguments: dict[str, Any], preds: Tensor, target: Tensor, expected: float
) -> None:
    metric = Accuracy(**arguments)
    assert metric(preds, target).item() == pytest.approx(expected)
    assert metric.compute().item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "preds", "target", "same"),
    [
        ({}, random(64), labels(2, 64), lambda p, t: functional.accuracy(p, t, "binary")),
        ({}, random(64, 5), labels(5, 64), lambda p, t: _multiclass(p, t)),
        ({"top_k": 3}, random(64, 5), labels(5, 64), lambda p, t: _multiclass(p, t, top_k=3)),
        ({}, random(16, 5, 7), labels(5, 16, 7), lambda p, t: _multiclass(p, t)),
        ({"top_k": 2}, random(16, 5, 7), labels(5, 16, 7), lambda p, t: _multiclass(p, t, top_k=2)),
        ({}, labels(5, 64), labels(5, 64).roll(1), lambda p, t: _multiclass(p, t)),
        (
            {"threshold": 0.4},
            random(32, 4),
            labels(2, 32, 4),
            lambda p, t: functional.accuracy(
                p, t, "multilabel", num_labels=4, threshold=0.4, average="micro"
            ),
        ),
        (
            {"subset_accuracy": True},
            random(32, 3),
            labels(2, 32, 3),
            lambda p, t: functional.exact_match(p, t, "multilabel", num_labels=3),
        ),
        (
            {"subset_accuracy": True},
            random(64, 3, 2),
            labels(3, 64, 2),
            lambda p, t: functional.exact_match(p, t, "multiclass", num_classes=3),
        ),
    ],
    ids=[
        "binary",
        "classes",
        "top 3",
        "images",
        "images top 2",
        "labels",
        "multi-label",
        "subset",
        "subset images",
    ],
)
def test_values_are_those_of_the_task(
    arguments: dict[str, Any], preds: Tensor, target: Tensor, same: Callable[[Tensor, Tensor], Tensor]
) -> None:
    metric = Accuracy(**arguments)
    for half_of_preds, half_of_target in zip(preds.chunk(2), target.chunk(2), strict=True):
        value = metric(half_of_preds, half_of_target)
        torch.testing.assert_close(value, same(half_of_preds, half_of_target))
    torch.testing.assert_close(metric.compute(), same(preds, target))


def _multiclass(preds: Tensor, target: Tensor, **arguments: Any) -> Tensor:
    return functional.accuracy(preds, target, "multiclass", num_classes=5, average="micro", **arguments)


def test_batches_are_weighted_by_their_size() -> None:
    metric = Accuracy()
    assert metric(tensor([1]), tensor([1])).item() == 1
    assert metric(tensor([1, 1, 1]), tensor([0, 0, 0])).item() == 0
    assert metric.compute().item() == 0.25
    metric.reset()
    assert metric(tensor([1]), tensor([1])).item() == metric.compute().item() == 1


def test_calling_without_the_value_of_the_batch() -> None:
    metric = Accuracy(compute_on_step=False)
    assert metric(tensor([1, 0]), tensor([1, 1])) is None
    assert metric.compute().item() == 0.5


def test_arguments_by_position_are_those_of_1_x() -> None:
    metric = Accuracy(0.3, 2, True, False, True, None)
    found = (metric.threshold, metric.top_k, metric.subset_accuracy, metric.compute_on_step)
    assert found == (0.3, 2, True, False)
    assert (metric.dist_sync_on_step, metric.process_group) == (True, None)


def test_it_is_a_metric_like_the_others() -> None:
    metric = Accuracy()
    assert isinstance(metric, torchmetrics.Metric)
    collection = torchmetrics.MetricCollection({"a": metric, "b": Accuracy(threshold=0.1)})
    assert collection(tensor([0.2, 0.9]), tensor([1, 1])) == {"a": tensor(0.5), "b": tensor(1.0)}
    copy = pickle.loads(pickle.dumps(collection["a"]))
    assert copy.compute() == tensor(0.5)


@pytest.mark.parametrize(
    ("args", "kwargs", "kind"),
    [
        ((), {"task": "binary"}, torchmetrics.classification.BinaryAccuracy),
        (("multiclass",), {"num_classes": 3}, torchmetrics.classification.MulticlassAccuracy),
        ((), {"task": "multilabel", "num_labels": 3}, torchmetrics.classification.MultilabelAccuracy),
    ],
)
def test_with_a_task_it_is_that_of_torchmetrics(
    args: tuple[Any, ...], kwargs: dict[str, Any], kind: type
) -> None:
    assert type(Accuracy(*args, **kwargs)) is kind


@pytest.mark.parametrize(
    ("preds", "target", "reason"),
    [
        (random(4), random(4), r"target\.long\(\)"),
        (random(4), labels(2, 5), "shapes do not fit"),
        (random(4, 3, 2), labels(3, 4), "shapes do not fit"),
        (random(4, 3, 2), labels(3, 4, 3), "shapes do not fit"),
        (labels(3, 4, 3), labels(3, 4), "scores of C classes must be of floating point"),
        (random(2), tensor([0, 2]), "labels from 0 to 2; it may hold labels from 0 to 1"),
        (random(2, 3), tensor([0, 3]), "labels from 0 to 3; it may hold labels from 0 to 2"),
        (labels(2, 2), tensor([0, -100]), "labels from -100 to 0; it may hold labels from 0 on"),
        (tensor([-2.0, 3.0]), tensor([0, 1]), r"no probabilities; apply torch\.sigmoid"),
    ],
)
def test_what_does_not_fit_is_refused(preds: Tensor, target: Tensor, reason: str) -> None:
    metric = Accuracy()
    with pytest.raises(ConfigurationError, match=rf"^Accuracy cannot compare preds \(.*{reason}"):
        metric.update(preds, target)


@pytest.mark.parametrize(
    ("top_k", "preds", "reason"),
    [(2, random(4), "needs scores of C classes"), (4, random(4, 3), "more than the 3 classes")],
)
def test_top_k_that_does_not_fit_is_refused(top_k: int, preds: Tensor, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"top_k={top_k} .*{reason}|top_k={top_k} {reason}"):
        Accuracy(top_k=top_k).update(preds, labels(2, 4))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"threshold": 0}, "threshold="),
        ({"threshold": 1.0}, "threshold="),
        ({"threshold": None}, "threshold="),
        ({"top_k": 0}, "top_k="),
        ({"top_k": 1.5}, "top_k="),
        ({"top_k": True}, "top_k="),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}.*allowed is"):
        Accuracy(**arguments)


def test_arguments_of_tasks_need_a_task() -> None:
    with pytest.raises(ArgumentTypeError, match=r"num_classes=10.*add task='binary'"):
        Accuracy(num_classes=10)


def test_an_empty_batch_counts_nothing() -> None:
    metric = Accuracy()
    metric.update(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
    metric.update(tensor([1]), tensor([1]))
    assert metric.compute().item() == 1


def test_it_is_logged_in_a_run(leyden_run: Runner) -> None:
    class Classifier(TinyModule):
        def __init__(self) -> None:
            super().__init__()
            self.val_accuracy = Accuracy()

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            target = (batch[1] > 0).long()
            self.val_accuracy(target if batch_idx == 0 else 1 - target, target)
            self.log("val_acc", self.val_accuracy)

    outcome = leyden_run("validate", module=Classifier()).ok()
    assert outcome.metrics == {"val_acc": 0.5}
