"""The configuration that DeepSpeed's engine is made with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError

STAGES = (0, 1, 2, 3)
DEVICES = ("cpu", "nvme")
PARALLEL = (
    "accelerator",
    "parallel_devices",
    "cluster_environment",
    "checkpoint_io",
    "precision_plugin",
    "process_group_backend",
    "timeout",
    "start_method",
)
VARIABLE = "PL_DEEPSPEED_CONFIG_PATH"
OWNED = {
    "gradient_accumulation_steps": "Trainer(accumulate_grad_batches=…)",
    "optimizer": "configure_optimizers of the module",
    "scheduler": "configure_optimizers of the module",
}


def given(config: Any) -> dict[str, Any] | None:
    """The user's configuration: a dict, or a JSON file, which the variable ``PL_DEEPSPEED_CONFIG_PATH`` may name.

    Raises:
        leyden.errors.ConfigurationError: it is no such thing, or sets what the Trainer or the module sets.
    """
    if config is None:
        config = os.environ.get(VARIABLE)
    if config is None:
        return None
    if isinstance(config, str | Path):
        config = _read(Path(config))
    if not isinstance(config, Mapping):
        raise ArgumentTypeError.about("config", config, "None, a dict, or the path of a JSON file with one")
    for name, instead in OWNED.items():
        if name in config:
            raise ConfigurationError(f"config must not hold {name!r}: {instead} sets it.")
    return deepcopy(dict(config))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError.about(
            "config", str(path), "the path of a readable JSON file", str(error)
        ) from error


def stage_of(config: Mapping[str, Any]) -> int:
    """The ZeRO stage, 0 to 3."""
    return int((config.get("zero_optimization") or {}).get("stage", 0))


FP16 = ("loss_scale", "initial_scale_power", "loss_scale_window", "hysteresis", "min_loss_scale")
_ZERO = (
    "stage",
    "contiguous_gradients",
    "overlap_comm",
    "allgather_partitions",
    "reduce_scatter",
    "allgather_bucket_size",
    "reduce_bucket_size",
    "sub_group_size",
)
_ACTIVATIONS = (
    "partition_activations",
    "cpu_checkpointing",
    "contiguous_memory_optimization",
    "synchronize_checkpoint_boundary",
)
_AIO = ("block_size", "queue_depth", "single_submit", "overlap_events", "thread_count")


def written(arguments: dict[str, Any]) -> dict[str, Any]:
    """The configuration that the arguments stand for."""
    config: dict[str, Any] = {
        "activation_checkpointing": {name: arguments[name] for name in _ACTIVATIONS},
        "aio": {name: arguments[name] for name in _AIO},
    }
    if arguments["zero_optimization"]:
        zero: dict[str, Any] = {name: arguments[name] for name in _ZERO}
        pinned = arguments["pin_memory"]
        if arguments["offload_optimizer"]:
            zero["offload_optimizer"] = {
                "device": arguments["offload_optimizer_device"],
                "nvme_path": arguments["nvme_path"],
                "buffer_count": arguments["optimizer_buffer_count"],
                "pin_memory": pinned,
            }
        if arguments["offload_parameters"]:
            zero["offload_param"] = {
                "device": arguments["offload_params_device"],
                "nvme_path": arguments["nvme_path"],
                "buffer_count": arguments["params_buffer_count"],
                "buffer_size": arguments["params_buffer_size"],
                "max_in_cpu": arguments["max_in_cpu"],
                "pin_memory": pinned,
            }
        config["zero_optimization"] = zero
        config["zero_allow_untested_optimizer"] = arguments["zero_allow_untested_optimizer"]
    if arguments["logging_batch_size_per_gpu"] != "auto":
        config["train_micro_batch_size_per_gpu"] = arguments["logging_batch_size_per_gpu"]
    return config


def check(stage: Any, remote_device: Any, devices: tuple[Any, ...]) -> None:
    """Refuse what the strategy cannot do.

    Raises:
        leyden.errors.ConfigurationError: names the argument.
    """
    if isinstance(stage, bool) or stage not in STAGES:
        raise ConfigurationError.about("stage", stage, "0, 1, 2 or 3")
    if remote_device is not None:
        raise ConfigurationError.about(
            "remote_device", remote_device, "None", "Weights are created in full before they are shared."
        )
    for one in devices:
        if one not in DEVICES:
            raise ConfigurationError.about("offload_…_device", one, "'cpu' or 'nvme'")
