"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, TypedDict

from leyden.api.callback import Callback
from leyden.api.logger import Logger
from leyden.interfaces.accelerator import Accelerator
from leyden.interfaces.profiler import Profiler
from leyden.interfaces.strategy import Strategy

class TrainerKeywords(TypedDict, total=False):
    accelerator: str | Accelerator
    strategy: str | Strategy
    devices: int | str | list[int]
    num_nodes: int
    precision: str | int | None
    logger: bool | Logger | Iterable[Logger] | None
    callbacks: Callback | Sequence[Callback] | None
    fast_dev_run: bool | int
    max_epochs: int | None
    min_epochs: int | None
    max_steps: int
    min_steps: int | None
    limit_train_batches: int | float | None
    limit_val_batches: int | float | None
    limit_test_batches: int | float | None
    limit_predict_batches: int | float | None
    overfit_batches: int | float
    val_check_interval: int | float | str | timedelta | dict[str, Any] | None
    check_val_every_n_epoch: int | None
    num_sanity_val_steps: int | None
    log_every_n_steps: int | None
    accumulate_grad_batches: int
    inference_mode: bool
    use_distributed_sampler: bool
    plugins: object | Sequence[object]
    reload_dataloaders_every_n_epochs: int
    default_root_dir: str | PathLike[str] | None
    barebones: bool
    enable_autolog_hparams: bool
    require_plugins: list[str] | tuple[str, ...]
    accumulate_normalization: str
    benchmark: bool | None
    detect_anomaly: bool | None
    deterministic: bool | str | None
    enable_checkpointing: bool | None
    enable_model_summary: bool | None
    enable_progress_bar: bool | None
    exact_resume: bool | str | None
    export: str | list[str] | tuple[str, ...] | dict[str, Any] | None
    fast: object
    gradient_clip_algorithm: str | None
    gradient_clip_val: float | int | None
    max_time: str | timedelta | dict[str, float] | None
    profiler: str | Profiler | None
    sync_batchnorm: bool
    trace: bool | str | PathLike[str]
