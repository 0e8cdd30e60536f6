"""The configuration that DeepSpeed's engine is made with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError

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
