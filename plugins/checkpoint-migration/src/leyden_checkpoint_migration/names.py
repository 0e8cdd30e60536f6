"""Classes that old files name, as data."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch

_CALLBACKS = {
    "ModelCheckpoint": "model_checkpoint",
    "EarlyStopping": "early_stopping",
    "Timer": "timer",
    "LearningRateMonitor": "lr_monitor",
    "StochasticWeightAveraging": "stochastic_weight_avg",
    "BackboneFinetuning": "finetuning",
    "BaseFinetuning": "finetuning",
    "GPUStatsMonitor": "gpu_stats_monitor",
    "ModelPruning": "pruning",
    "QuantizationAwareTraining": "quantization",
    "GradientAccumulationScheduler": "gradient_accumulation_scheduler",
    "ProgressBar": "progress",
    "TQDMProgressBar": "progress.tqdm_progress",
    "RichProgressBar": "progress.rich_progress",
    "ModelSummary": "model_summary",
    "RichModelSummary": "rich_model_summary",
}
_PACKAGES = ("pytorch_lightning", "lightning.pytorch")


def _default_of_gpus(value: Any = None) -> Any:
    """What a function of Lightning's, pickled as a default, stands for."""
    return value


class _FaultTolerantMode(str):
    """An enum that is gone; files hold its value."""


def _stand_ins() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    found: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (argparse.Namespace, "argparse.Namespace")
    ]
    for package in _PACKAGES:
        for name, module in _CALLBACKS.items():
            found.append((type(name, (), {}), f"{package}.callbacks.{module}.{name}"))
        for module in (
            "utilities.parsing",
            "core.saving",
            "core.lightning",
            "core.module",
            "core.mixins.hparams_mixin",
        ):
            found.append((dict, f"{package}.{module}.AttributeDict"))
        for module in ("utilities.argparse_utils", "utilities.argparse"):
            found.append((_default_of_gpus, f"{package}.{module}._gpus_arg_default"))
        found.append((_FaultTolerantMode, f"{package}.utilities.enums._FaultTolerantMode"))
    found += [
        (dict, f"{fabric}.utilities.data.AttributeDict")
        for fabric in ("lightning_fabric", "lightning.fabric")
    ]
    return found


def known() -> AbstractContextManager[Any]:
    """While this holds, ``torch.load`` reads those names as plain dicts and empty classes."""
    return torch.serialization.safe_globals(_stand_ins())
