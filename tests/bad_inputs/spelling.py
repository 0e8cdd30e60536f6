"""Misspelled Trainer keywords: two of each, with the spelling that the error must offer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .case import Case, Program
from .namespace import Namespace
from .tiny import trainer

MISSPELLED: Mapping[str, tuple[str, str]] = {
    "accelerator": ("acelerator", "accelerators"),
    "strategy": ("stratgey", "Strategy"),
    "devices": ("device", "devcies"),
    "num_nodes": ("num_node", "numnodes"),
    "precision": ("percision", "precison"),
    "logger": ("loggers", "loger"),
    "callbacks": ("callback", "call_backs"),
    "fast_dev_run": ("fastdevrun", "fast_dev"),
    "max_epochs": ("max_epoch", "maxepochs"),
    "min_epochs": ("min_epoch", "minepochs"),
    "max_steps": ("max_step", "maxSteps"),
    "min_steps": ("min_step", "minSteps"),
    "max_time": ("maxtime", "max_times"),
    "limit_train_batches": ("limit_train_batch", "limit_training_batches"),
    "limit_val_batches": ("limit_val_batch", "limit_validation_batches"),
    "limit_test_batches": ("limit_test_batch", "limit_testing_batches"),
    "limit_predict_batches": ("limit_predict_batch", "limit_prediction_batches"),
    "overfit_batches": ("overfit_batch", "over_fit_batches"),
    "val_check_interval": ("val_check_intervall", "val_interval_check"),
    "check_val_every_n_epoch": ("check_val_every_n_epochs", "check_val_every_epoch"),
    "num_sanity_val_steps": ("num_sanity_steps", "num_sanity_val_step"),
    "log_every_n_steps": ("log_every_n_step", "log_every_steps"),
    "enable_checkpointing": ("enable_checkpoint", "enable_check_pointing"),
    "enable_progress_bar": ("enable_progressbar", "enable_progress_bars"),
    "enable_model_summary": ("enable_modelsummary", "enabled_model_summary"),
    "accumulate_grad_batches": ("accumulate_grad_batch", "accumulate_gradient_batches"),
    "gradient_clip_val": ("gradient_clip_value", "grad_clip_val"),
    "gradient_clip_algorithm": ("gradient_clip_algo", "gradient_clipping_algorithm"),
    "deterministic": ("determinstic", "deterministics"),
    "benchmark": ("benchmarks", "bench_mark"),
    "inference_mode": ("inferencemode", "inference_modes"),
    "use_distributed_sampler": ("use_distributed_samplers", "use_dist_sampler"),
    "profiler": ("profilers", "profilier"),
    "detect_anomaly": ("detect_anomalies", "detectanomaly"),
    "barebones": ("barebone", "bare_bones"),
    "plugins": ("plugin", "plug_ins"),
    "sync_batchnorm": ("sync_batch_norm", "syncbatchnorm"),
    "reload_dataloaders_every_n_epochs": (
        "reload_dataloaders_every_epochs",
        "reload_dataloader_every_n_epochs",
    ),
    "default_root_dir": ("default_rootdir", "default_root_directory"),
    "enable_autolog_hparams": ("enable_autolog_hparam", "autolog_hparams"),
    "model_registry": ("model_registery", "modelregistry"),
}


def _misspelled(keyword: str) -> Program:
    """Build a Trainer with a keyword that does not exist; it never gets as far as looking at the value."""

    def program(ns: Namespace, folder: Path) -> None:
        trainer(ns, folder, **{keyword: None})

    return program


def _cases() -> Iterator[Case]:
    for right, wrong in MISSPELLED.items():
        for keyword in wrong:
            yield Case(f"spelling/{right}/{keyword}", _misspelled(keyword), (keyword, right), "construction")


def offered(case: Case, text: str) -> bool:
    """Whether the first keyword that a text names is the one that was meant; a list of all is no answer."""
    wrong, right = case.names
    words = [word for word in re.findall(r"\w+", text) if word in MISSPELLED and word != wrong]
    return words[:1] == [right]


CASES = tuple(_cases())
