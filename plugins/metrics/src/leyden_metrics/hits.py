"""Which predictions are right, whatever the kind of classification."""

from __future__ import annotations

import torch
from torch import Tensor

from leyden.errors import ConfigurationError

KINDS = "preds and target of one shape (N, ...), or preds (N, C, ...) of floating point with target (N, ...)"


def check(preds: Tensor, target: Tensor, top_k: int | None) -> tuple[Tensor, Tensor]:
    """Drop dimensions of size one and see that predictions and targets fit each other.

    Args:
        preds: probabilities, scores or labels, (N, ...) or (N, C, ...).
        target: labels, (N, ...).
        top_k: what the user asked for.

    Returns:
        Both, squeezed.

    Raises:
        leyden.errors.ConfigurationError: they do not fit; says what does.
    """
    preds, target = _squeezed(preds), _squeezed(target.int() if target.dtype == torch.bool else target)
    _check_shapes(preds, target)
    scores = preds.ndim == target.ndim + 1
    if top_k is not None and not scores:
        _refuse(preds, target, f"top_k={top_k} needs scores of C classes, (N, C, ...)")
    if top_k is not None and top_k > preds.shape[1]:
        _refuse(preds, target, f"top_k={top_k} is more than the {preds.shape[1]} classes")
    _check_values(preds, target, scores)
    return preds, target


def hits(preds: Tensor, target: Tensor, threshold: float, top_k: int) -> Tensor:
    """Compare checked predictions with targets.

    Args:
        preds: probabilities, scores or labels.
        target: labels, (N, ...).
        threshold: probabilities from here on mean 1.
        top_k: how many of the highest scores may hold the target.

    Returns:
        A boolean tensor (N, ...): whether each prediction is right.
    """
    if preds.ndim == target.ndim + 1:
        best = preds.argmax(1, keepdim=True) if top_k == 1 else preds.topk(top_k, 1).indices
        return (best == target.unsqueeze(1)).any(1)
    labels = preds >= threshold if preds.is_floating_point() else preds
    return labels == target


def _squeezed(tensor: Tensor) -> Tensor:
    # The first dimension counts samples, so it stays when there is only one.
    return tensor.reshape([size for at, size in enumerate(tensor.shape) if at == 0 or size != 1])


def _check_shapes(preds: Tensor, target: Tensor) -> None:
    if target.is_floating_point():
        _refuse(preds, target, "target holds floating point numbers; convert it with target.long()")
    same = preds.shape == target.shape
    scores = preds.ndim == target.ndim + 1 and preds.shape[:1] + preds.shape[2:] == target.shape
    if not same and not scores:
        _refuse(preds, target, "the shapes do not fit")
    if scores and not preds.is_floating_point():
        _refuse(preds, target, "scores of C classes must be of floating point")


def _check_values(preds: Tensor, target: Tensor, scores: bool) -> None:
    if not target.numel():
        return
    low, high = target.aminmax()
    highest = torch.inf
    bad = low < 0
    if scores:
        highest = preds.shape[1] - 1
    elif preds.is_floating_point():
        highest = 1
        bad = bad | (preds.amin() < 0) | (preds.amax() > 1)
    if bool(bad | (high > highest)):  # one wait for the device, whatever is wrong
        _refuse_values(preds, target, highest, scores)


def _refuse_values(preds: Tensor, target: Tensor, highest: float, scores: bool) -> None:
    low, high = int(target.min()), int(target.max())
    if low < 0 or high > highest:
        upper = f" to {highest}" if highest != torch.inf else " on"
        _refuse(preds, target, f"target holds labels from {low} to {high}; it may hold labels from 0{upper}")
    _refuse(preds, target, "preds are no probabilities; apply torch.sigmoid to them")


def _refuse(preds: Tensor, target: Tensor, reason: str) -> None:
    shapes = f"preds {tuple(preds.shape)} of {preds.dtype} and target {tuple(target.shape)} of {target.dtype}"
    raise ConfigurationError(f"Accuracy cannot compare {shapes}: {reason}. Allowed are {KINDS}.")
