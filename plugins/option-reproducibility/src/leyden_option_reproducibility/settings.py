"""Global flags of torch during a run."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

Determinism = bool | Literal["warn"]
CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
CUBLAS_DETERMINISTIC = (":4096:8", ":16:8")
"""The workspaces with which cuBLAS is deterministic; torch refuses matrix products on a GPU with any other."""


class Settings:
    """Sets flags when a run begins and gives back what was there when it ends. A Trainer has one at most.

    Two hooks end a run, because neither of them ends all: ``teardown`` fires after every run whose ``setup`` was
    reached, ``on_exception`` in every run that fails, and one of the two on every rank. (``leyden_finalize`` fires on
    rank zero, and not when the data could not be prepared.)

    Attributes:
        deterministic: ``None``, as for the others, leaves the flag alone.
        benchmark: cuDNN's.
        detect_anomaly: autograd's.
    """

    def __init__(self) -> None:
        self.deterministic: Determinism | None = None
        self.benchmark: bool | None = None
        self.detect_anomaly: bool | None = None
        self._undo = ExitStack()

    @classmethod
    def of(cls, trainer: Trainer) -> Settings:
        """Those of a Trainer."""
        for one in trainer.listeners:
            if isinstance(one.target, cls):
                return one.target
        made = cls()
        trainer.add_listener(made)
        return made

    def leyden_run_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the flags."""
        with ExitStack() as undo:
            undo.push(self._undo)
            if self.deterministic is not None:
                set_deterministic(self.deterministic, undo)
            benchmark = False if self.deterministic and self.benchmark is None else self.benchmark
            if benchmark is not None:
                set_benchmark(benchmark, undo)
            if self.detect_anomaly is not None:
                set_detect_anomaly(self.detect_anomaly, undo)
            self._undo = undo.pop_all()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give them back."""
        self._undo.close()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give them back, unless that is done."""
        self._undo.close()


def set_deterministic(value: Determinism, undo: ExitStack) -> None:
    """Use deterministic algorithms or not; ``"warn"`` uses them where they exist."""
    import torch
    import torch._inductor.config as inductor

    if hasattr(inductor, "deterministic"):  # torch sets it together with its own flag, since 2.9
        undo.callback(setattr, inductor, "deterministic", inductor.deterministic)
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    undo.callback(torch.use_deterministic_algorithms, before, warn_only=warned)
    torch.use_deterministic_algorithms(bool(value), warn_only=value == "warn")
    config = os.environ.get(CUBLAS)
    if value and config not in CUBLAS_DETERMINISTIC:
        undo.callback(_set_variable, config)
        os.environ[CUBLAS] = CUBLAS_DETERMINISTIC[0]


def _set_variable(value: str | None) -> None:
    if value is None:
        os.environ.pop(CUBLAS, None)
    else:
        os.environ[CUBLAS] = value


def set_benchmark(value: bool, undo: ExitStack) -> None:
    """Let cuDNN measure its algorithms or not."""
    from torch.backends import cudnn

    undo.callback(setattr, cudnn, "benchmark", cudnn.benchmark)
    cudnn.benchmark = value


def set_detect_anomaly(value: bool, undo: ExitStack) -> None:
    """Let autograd look for NaN or not."""
    import torch

    before, with_nan = torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()
    undo.callback(torch.autograd.set_detect_anomaly, before, with_nan)
    torch.autograd.set_detect_anomaly(value)
