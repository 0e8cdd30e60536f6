"""Hyper-parameters in files, and modules made from checkpoints."""

from __future__ import annotations

import ast
import csv
import os
from argparse import Namespace
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from leyden_lightning.utilities.cloud_io import get_filesystem
from leyden_lightning.utilities.rank_zero import rank_zero_warn

__all__ = [
    "convert",
    "get_filesystem",
    "load_hparams_from_tags_csv",
    "load_hparams_from_yaml",
    "save_hparams_to_tags_csv",
    "save_hparams_to_yaml",
    "update_hparams",
]
CHECKPOINT_PAST_HPARAMS_KEYS = ("hparams", "module_arguments")


def _load_from_checkpoint(
    cls: Any,
    checkpoint_path: str | Path | IO[bytes],
    map_location: Any = None,
    hparams_file: str | Path | None = None,
    strict: bool | None = None,
    weights_only: bool | None = None,
    **kwargs: Any,
) -> Any:
    """As ``cls.load_from_checkpoint``."""
    from leyden.api.datamodule import LightningDataModule
    from leyden.api.loading import load_datamodule, load_module

    if issubclass(cls, LightningDataModule):
        return load_datamodule(cls, checkpoint_path, map_location, hparams_file, weights_only, kwargs)
    return load_module(cls, checkpoint_path, map_location, hparams_file, strict, weights_only, kwargs)


def update_hparams(hparams: dict[str, Any], updates: dict[str, Any]) -> None:
    """Update a nested dict in place, key by key."""
    for key, value in updates.items():
        if isinstance(hparams.get(key), dict) and isinstance(value, dict):
            update_hparams(hparams[key], value)
        else:
            hparams[key] = value


def load_hparams_from_tags_csv(tags_csv: str | Path) -> dict[str, Any]:
    """Hyper-parameters from a file with the columns ``key`` and ``value``; empty, with a warning, without the file."""
    if not os.path.exists(tags_csv):
        rank_zero_warn(f"Missing Tags: {tags_csv}.", category=RuntimeWarning)
        return {}
    with open(tags_csv, newline="", encoding="utf-8") as file:
        return {row["key"]: convert(row["value"]) for row in csv.DictReader(file)}


def save_hparams_to_tags_csv(tags_csv: str | Path, hparams: dict[str, Any] | Namespace) -> None:
    """Write hyper-parameters to such a file.

    Raises:
        RuntimeError: its folder is missing.
    """
    _check_folder(tags_csv)
    values = vars(hparams) if isinstance(hparams, Namespace) else hparams
    with open(tags_csv, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["key", "value"])
        writer.writeheader()
        writer.writerows({"key": key, "value": value} for key, value in values.items())


def load_hparams_from_yaml(config_yaml: str | Path, use_omegaconf: bool = True) -> dict[str, Any]:
    """Hyper-parameters from a YAML file; empty, with a warning, without the file.

    Args:
        config_yaml: the file.
        use_omegaconf: make an OmegaConf object of it where OmegaConf is installed and can.
    """
    import yaml

    if not os.path.exists(config_yaml):
        rank_zero_warn(f"Missing Tags: {config_yaml}.", category=RuntimeWarning)
        return {}
    with open(config_yaml, encoding="utf-8") as file:
        found: dict[str, Any] = yaml.full_load(file) or {}
    return _as_omegaconf(found) if use_omegaconf else found


def _as_omegaconf(values: dict[str, Any]) -> Any:
    try:
        omegaconf, errors = import_module("omegaconf"), import_module("omegaconf.errors")
    except ModuleNotFoundError:  # whoever uses it has it
        return values
    try:
        return omegaconf.OmegaConf.create(values)
    except (errors.UnsupportedValueType, errors.ValidationError):
        return values


def save_hparams_to_yaml(
    config_yaml: str | Path, hparams: dict[str, Any] | Namespace, use_omegaconf: bool = True
) -> None:
    """Write hyper-parameters to a YAML file; what YAML cannot hold becomes its text, with a warning.

    Args:
        config_yaml: the file.
        hparams: a mapping or a Namespace.
        use_omegaconf: write OmegaConf objects through OmegaConf.

    Raises:
        RuntimeError: the file's folder is missing.
        TypeError: the hyper-parameters are neither a mapping nor a Namespace.
    """
    import yaml

    _check_folder(config_yaml)
    if isinstance(hparams, Namespace):
        hparams = vars(hparams)
    if use_omegaconf and type(hparams).__module__.startswith("omegaconf"):
        import_module("omegaconf").OmegaConf.save(hparams, config_yaml, resolve=True)
        return
    if not hasattr(hparams, "items"):
        raise TypeError("hparams must be dictionary")
    allowed = {}
    for key, value in hparams.items():
        value = value.name if isinstance(value, Enum) else value
        try:
            yaml.dump(value)
        except (TypeError, yaml.YAMLError):
            rank_zero_warn(f"Skipping '{key}' parameter because it is not possible to safely dump to YAML.")
            value = type(value).__name__
        allowed[key] = value
    with open(config_yaml, "w", newline="", encoding="utf-8") as file:
        yaml.dump(allowed, file)


def convert(val: str) -> int | float | bool | str:
    """The Python value that a text stands for; the text itself when it stands for none."""
    try:
        found: int | float | bool | str = ast.literal_eval(val)
    except (ValueError, SyntaxError):
        return val
    return found


def _check_folder(path: str | Path) -> None:
    folder = os.path.dirname(os.fspath(path))
    if folder and not os.path.isdir(folder):
        raise RuntimeError(f"Missing folder: {folder}.")
