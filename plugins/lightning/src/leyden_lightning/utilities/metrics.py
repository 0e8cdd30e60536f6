"""What ``pytorch_lightning.metrics.functional`` had and torchmetrics has otherwise."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def accuracy(preds: Tensor, target: Tensor, **options: Any) -> Tensor:
    """The share of right predictions; shapes tell the kind of classification, as in ``leyden.metrics.Accuracy``.

    Args:
        preds: labels, probabilities or scores.
        target: labels.
        options: those of ``leyden.metrics.Accuracy``, e.g. ``top_k`` or ``threshold``.
    """
    from leyden.metrics import Accuracy

    found: Tensor = Accuracy(**options)(preds, target)
    return found
