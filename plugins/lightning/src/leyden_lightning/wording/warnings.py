"""Warnings, which begin with their id in brackets."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^\[implied-best\] Trainer\.(\w+) without a model",
        r"The best model of the previous `fit` call will be used by `.\1(ckpt_path=None)`.",
    ),
    (r"^\[no-last\]", r'`.fit(ckpt_path="last")`: No checkpoint will be loaded.'),
    (r"^\[predict-none\]", r"predict returned None if it was on purpose, ignore this warning..."),
    (
        r"^\[several-best\]",
        r'`.test(ckpt_path="best")` uses the best checkpoint path from first checkpoint callback.',
    ),
    (r"^\[max-epochs\]", r"`max_epochs` was not set. Setting it to 1000 epochs."),
)
