"""Modules and data modules made from checkpoints."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping, MutableMapping
from os import PathLike
from typing import Any

import torch

from leyden.api import rich_hparams
from leyden.api.hparams import CLASS_PATH, INSTANTIATOR
from leyden.api.migrations import reading
from leyden.api.rng import isolate_rng
from leyden.api.unnamed import unnamed
from leyden.api.warn import warn
from leyden.errors import CheckpointError
from leyden.interfaces.checkpoint_io import CheckpointIO
from leyden.plugins.catalogue import NAMES, PREFIX, catalogue
from leyden.plugins.components import by_attribute, resolve
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, listed

DEFAULT_IO = ("fsspec", "torch")
"""The first that is installed: files of this machine are the same with both."""
_KEYS = ("hyper_parameters", "hparams", "module_arguments")


def default_io() -> CheckpointIO:
    """The checkpoint io that reads and writes when no run says otherwise."""
    for name in DEFAULT_IO:
        found = unnamed(PREFIX + "checkpoint_ios", name, CheckpointIO)
        if found:
            return found[0]
    made: CheckpointIO = resolve("checkpoint_ios", DEFAULT_IO[-1])()  # says what is missing
    return made


def read(path: str | PathLike[str], map_location: Any, weights_only: bool | None) -> dict[str, Any]:
    """Read a checkpoint, from a path or an open file, safely unless ``weights_only=False`` was said."""
    opened = hasattr(path, "read") and hasattr(path, "seek")
    if not opened and not isinstance(path, str | PathLike):
        raise ArgumentTypeError.about("checkpoint_path", path, "a path")
    _check_location(map_location)
    name, safe = "the open file" if opened else path, weights_only is not False
    with reading(name) as migrated:
        if opened:
            return migrated(_of_file(path, map_location, safe))
        return migrated(default_io().load_checkpoint(path, map_location, safe))


def _of_file(file: Any, map_location: Any, weights_only: bool) -> dict[str, Any]:
    try:
        found: dict[str, Any] = torch.load(file, map_location=map_location, weights_only=weights_only)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"The open file cannot be read as a checkpoint: {error}") from error
    return found


def _say_unknown(unknown: dict[str, str], missing: list[str], path: Any) -> None:
    text = ", ".join(f"{key} ({one})" for key, one in sorted(unknown.items()))
    remedy = "allow them with torch.serialization.add_safe_globals([…]), annotate the constructor with them, or pass them"  # noqa: E501
    if set(unknown) & set(missing):
        raise ConfigurationError(
            f"{path} describes hyper-parameters whose classes the program does not name: {text}. To have them made "
            f"again, {remedy}."
        )
    warn(
        "hparams-unknown", f"{path}: these are left as plain data or at their defaults: {text}. Or {remedy}."
    )


def _check_location(location: Any) -> None:
    if isinstance(location, str):
        try:
            torch.device(location)
        except RuntimeError as error:
            raise ConfigurationError.about(
                "map_location", location, "a device, e.g. 'cpu' or 'cuda:0'"
            ) from error


def _strictness(strict: bool | None, module: Any) -> bool:
    if strict and not module.strict_loading:
        raise ConfigurationError(
            f"strict={strict} is not possible with {type(module).__name__}.strict_loading={module.strict_loading}: "
            "they contradict each other. Give the same value to both, or leave the argument out."
        )
    return bool(module.strict_loading if strict is None else strict)


def load_module(
    cls: Any,
    path: Any,
    map_location: Any,
    hparams_file: Any,
    strict: bool | None,
    weights_only: bool | None,
    given: dict[str, Any],
) -> Any:
    """Make a module; see ``LightningModule.load_from_checkpoint``."""
    checkpoint = read(path, map_location, weights_only)
    if hparams_file is not None:
        hparams, objects = _from_file(hparams_file), None
    else:
        hparams, objects = _found(checkpoint, _KEYS, cls)
    checkpoint["hyper_parameters"] = {**hparams, **given}
    with isolate_rng():
        name = checkpoint.get("hparams_name")
        module = _construct(cls, hparams, name, given, path, objects, weights_only is not False)
        module.configure_model()
    module.on_load_checkpoint(checkpoint)
    strict = _strictness(strict, module)
    try:
        missing, unexpected = module.load_state_dict(checkpoint["state_dict"], strict=strict)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit {cls.__name__}: {error}") from error
    if missing or unexpected:
        warn(
            "partial-weights",
            f"{path}: keys missing in the file: {listed(missing)}; keys the module does not have: "
            f"{listed(unexpected)}.",
        )
    if map_location is None and (
        devices := {one.device for one in checkpoint["state_dict"].values() if hasattr(one, "device")}
    ):
        module.to(next(iter(devices)))
    return module


def load_datamodule(
    cls: Any,
    path: Any,
    map_location: Any,
    hparams_file: Any,
    weights_only: bool | None,
    given: dict[str, Any],
) -> Any:
    """Make a data module; see ``LightningDataModule.load_from_checkpoint``."""
    checkpoint = read(path, map_location, weights_only)
    keys = ("datamodule_hyper_parameters",)
    if hparams_file is not None:
        hparams, objects = _from_file(hparams_file), None
    else:
        hparams, objects = _found(checkpoint, keys, cls)
    name = checkpoint.get("datamodule_hparams_name")
    with isolate_rng():
        module = _construct(cls, hparams, name, given, path, objects, weights_only is not False)
    if cls.__qualname__ in checkpoint:
        module.load_state_dict(checkpoint[cls.__qualname__])
    return module


def _found(
    checkpoint: dict[str, Any], keys: tuple[str, ...], cls: Any
) -> tuple[dict[str, Any], rich_hparams.Rebuilding]:
    """The hyper-parameters in a checkpoint, with objects made again where their classes are known."""
    objects = rich_hparams.Rebuilding(cls)
    key = next((one for one in keys if one in checkpoint), "")
    described = objects.rebuilt(checkpoint.get(rich_hparams.KEY, {}).get(key, {}))
    return _updated(checkpoint.get(key, {}), described), objects


def _updated(values: Any, more: dict[str, Any]) -> Any:
    """A copy with more values; a mapping that is no dict, such as OmegaConf's, stays of its kind."""
    if isinstance(values, dict) or not isinstance(values, MutableMapping):
        return {**dict(values), **more}
    found = copy.copy(values)
    found.update(more)
    return found


def _from_file(path: Any) -> dict[str, Any]:
    from leyden.api.hparams_file import read_hparams

    return read_hparams(path)


def _configured(cls: Any, hparams: dict[str, Any], path: Any, safe: bool) -> Any:
    """What a configuration file described, made by the command line's plugin; ``None`` where plain values need none."""
    described = CLASS_PATH in hparams or any(
        isinstance(one, Mapping) and "class_path" in one for one in hparams.values()
    )
    if not described and not catalogue().named(NAMES, "cli.instantiate_module"):
        return None
    return by_attribute("cli", "instantiate_module")(cls, hparams, source=path, trusted=not safe)


def _construct(
    cls: Any,
    hparams: dict[str, Any],
    name: str | None,
    given: dict[str, Any],
    path: Any,
    objects: rich_hparams.Rebuilding | None = None,
    safe: bool = True,
) -> Any:
    if INSTANTIATOR in hparams:
        found = _configured(cls, {**hparams, **given}, path, safe)
        if found is not None:
            return found
        hparams = {key: value for key, value in hparams.items() if key not in (CLASS_PATH, INSTANTIATOR)}
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    names = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters)
    if name not in (None, "kwargs") and name in names:
        extra = {key: value for key, value in given.items() if key not in names}
        arguments = {name: _updated(hparams, extra)}
        arguments.update({key: value for key, value in given.items() if key in names})
    else:
        merged = {**hparams, **given}
        arguments = merged if open_ended else {key: value for key, value in merged.items() if key in names}
    missing = [
        one.name
        for one in parameters
        if one.default is one.empty and one.name in names and one.name not in arguments
    ]
    unknown = {key: one for key, one in objects.unknown.items() if key not in given} if objects else {}
    if unknown:
        _say_unknown(unknown, missing, path)
    if missing:
        raise ConfigurationError(
            f"{cls.__name__} needs {listed(missing)}, and {path} does not hold them. Pass them: "
            f"{cls.__name__}.load_from_checkpoint(path, {', '.join(f'{one}=…' for one in missing)}); or call "
            "save_hyperparameters() in __init__ before training."
        )
    return cls(**arguments)
