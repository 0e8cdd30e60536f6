"""Every case and every control."""

from __future__ import annotations

from . import (
    callbacks,
    checkpoints,
    contradictions,
    data,
    hooks,
    hyperparameters,
    loggers,
    logging_calls,
    manual,
    optimizers,
    spelling,
    steps,
    trainer_arguments,
)

_FILES = (
    trainer_arguments,
    contradictions,
    steps,
    hooks,
    optimizers,
    manual,
    data,
    logging_calls,
    callbacks,
    loggers,
    checkpoints,
    hyperparameters,
)
CASES = tuple(case for file in _FILES for case in file.CASES)
CONTROLS = tuple(control for file in _FILES for control in file.CONTROLS)
SPELLING = spelling.CASES
