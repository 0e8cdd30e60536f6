"""Accuracy that finds out by itself what kind of classification it measures."""

from __future__ import annotations

from typing import Any

import torch
import torchmetrics
from torch import Tensor
from torchmetrics import Metric

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_metrics.hits import check, hits

_OF_TASKS = {"num_classes", "num_labels", "average", "multidim_average", "ignore_index", "validate_args"}


class Accuracy(Metric):
    """The share of right predictions, in classification of any kind; told by the shapes of what it is given.

    ================================  ======================  =========================================
    predictions                       targets                 kind
    ================================  ======================  =========================================
    (N,) probabilities                (N,) 0 or 1             binary; 1 from ``threshold`` on
    (N, ...) probabilities            (N, ...) 0 or 1         multi-label, each label for itself
    (N, C) or (N, C, ...) scores      (N,) or (N, ...) < C    multi-class; the highest of C
    (N, ...) labels                   (N, ...)                labels, compared
    ================================  ======================  =========================================

    Calling it takes a batch in and returns the accuracy of that batch.

    With ``task`` the metric of torchmetrics is made instead: ``Accuracy(task="multiclass", num_classes=10)``.

    Args:
        threshold: probabilities from here on mean 1; between 0 and 1.
        top_k: multi-class scores are right when the target is among the ``top_k`` highest; 1 when ``None``.
        subset_accuracy: a sample of several labels counts once, and only when all of them are right.
        compute_on_step: whether calling it returns the batch's value; ``None`` otherwise.
        dist_sync_on_step: whether that value is taken over all processes.
        process_group: these processes; all when ``None``.
        kwargs: further arguments of :class:`torchmetrics.Metric`.

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    correct: Tensor
    total: Tensor

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make the metric of torchmetrics when a task is given."""
        if "task" in kwargs or (args and isinstance(args[0], str)):
            return torchmetrics.Accuracy(*args, **kwargs)
        return super().__new__(cls)

    def __init__(
        self,
        threshold: float = 0.5,
        top_k: int | None = None,
        subset_accuracy: bool = False,
        compute_on_step: bool = True,
        dist_sync_on_step: bool = False,
        process_group: Any = None,
        **kwargs: Any,
    ) -> None:
        _refuse_arguments_of_tasks(kwargs)
        super().__init__(dist_sync_on_step=dist_sync_on_step, process_group=process_group, **kwargs)
        self.threshold, self.top_k = _probability(threshold), _count(top_k)
        self.subset_accuracy, self.compute_on_step = subset_accuracy, compute_on_step
        self.add_state("correct", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def __getnewargs__(self) -> tuple[()]:
        # The base class gives the letters of its name, of which __new__ would take the first for a task.
        return ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in.

        Returns:
            The accuracy of this batch alone, a scalar tensor; ``None`` when ``compute_on_step`` is false.
        """
        if self.compute_on_step:
            return super().forward(*args, **kwargs)
        self.update(*args, **kwargs)
        return None

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Take a batch in.

        Args:
            preds: probabilities, scores or labels; see the table above.
            target: labels, integers from 0 on.

        Raises:
            leyden.errors.ConfigurationError: shapes, types or values do not fit each other.
        """
        preds, target = check(preds, target, self.top_k)
        right = hits(preds, target, self.threshold, self.top_k or 1)
        if self.subset_accuracy:
            right = right.flatten(1).all(1) if right.ndim > 1 else right
        self.correct += right.sum()
        self.total += right.numel()

    def compute(self) -> Tensor:
        """The accuracy of all batches so far, a scalar tensor in [0, 1]; NaN when there were none."""
        return self.correct / self.total


def _refuse_arguments_of_tasks(given: dict[str, Any]) -> None:
    foreign = sorted(_OF_TASKS & given.keys())
    if foreign:
        raise ArgumentTypeError(
            f"Accuracy({foreign[0]}={given[foreign[0]]!r}) needs a task: add task='binary', 'multiclass' or "
            "'multilabel'. Without a task the number of classes follows from the predictions."
        )


def _probability(threshold: Any) -> float:
    allowed = "a number between 0 and 1, without these"
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise ArgumentTypeError.about("threshold", threshold, allowed)
    if not 0 < threshold < 1:
        raise ConfigurationError.about("threshold", threshold, allowed)
    return threshold


def _count(top_k: Any) -> int | None:
    allowed = "an int of at least 1, or None"
    if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int)):
        raise ArgumentTypeError.about("top_k", top_k, allowed)
    if top_k is not None and top_k < 1:
        raise ConfigurationError.about("top_k", top_k, allowed)
    return top_k
