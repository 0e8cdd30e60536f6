"""Modules that a configuration made: their hyper-parameters are the configuration's, and make them again."""

from __future__ import annotations

import copy
import sys
from argparse import ArgumentError
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from jsonargparse import ArgumentParser

from leyden import Callback, LightningDataModule, LightningModule
from leyden.api.hparams import CLASS_PATH, given_hyperparameters
from leyden.api.hparams import INSTANTIATOR as INSTANTIATOR_KEY
from leyden.errors import ConfigurationError

if TYPE_CHECKING:
    from leyden_cli.cli import LightningCLI

T = TypeVar("T")

INSTANTIATOR = "pytorch_lightning.cli.instantiate_module"  # what Lightning writes, and allows when it reads
HARMLESS = (
    torch.nn.Module,
    LightningModule,
    LightningDataModule,
    Callback,
    torch.optim.Optimizer,
    torch.optim.lr_scheduler.LRScheduler,
    torch.utils.data.Dataset,
    torch.utils.data.Sampler,
)
"""Classes whose subclasses a checkpoint may name without being trusted: making one computes, and runs nothing else."""


class Instantiator:
    """Makes a module for a :class:`LightningCLI`, whose ``save_hyperparameters`` then keeps what was configured.

    Args:
        cli: the CLI, whose configuration has been parsed.
        key: ``"model"`` or ``"data"``.
    """

    def __init__(self, cli: LightningCLI, key: str) -> None:
        self.cli = cli
        self.key = key

    def __call__(
        self, class_type: type[T], *args: Any, applied_instantiation_links: dict[str, Any], **kwargs: Any
    ) -> T:
        """Make it."""
        hparams = self._configured()
        start = f"{self.key}."
        for name, value in applied_instantiation_links.items():
            if name.startswith(start):
                _put(hparams, name.removeprefix(start).removeprefix("init_args.").split("."), value)
        with given_hyperparameters(class_type, hparams, INSTANTIATOR):
            return class_type(*args, **kwargs)

    def _configured(self) -> dict[str, Any]:
        found = copy.deepcopy(self.cli.dumped().get(self.key) or {})
        if "class_path" in found:
            arguments = {**found.get("init_args", {}), **found.get("dict_kwargs", {})}
            return {CLASS_PATH: found["class_path"], **arguments}
        return dict(found)


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
    values[keys[-1]] = value


def instantiate_module(
    class_type: type[T], config: dict[str, Any], *, source: Any = "config", trusted: bool = True
) -> T:
    """Make a module from the hyper-parameters that a :class:`LightningCLI` gave it.

    Args:
        class_type: its class, or a base of it where ``config`` has a ``_class_path``.
        config: its arguments; objects among them as ``{"class_path": …, "init_args": …}``.
        source: where they come from, for errors.
        trusted: ``False`` refuses classes that are not imported yet, or could do anything.

    Raises:
        leyden.errors.ConfigurationError: the configuration does not fit the class, or is not trusted.
    """
    config = {name: one for name, one in config.items() if name != INSTANTIATOR_KEY}
    if not trusted:
        check_trusted(config, source)
    parser = ArgumentParser(exit_on_error=False)
    if CLASS_PATH in config:
        parser.add_subclass_arguments(class_type, "module", fail_untyped=False)
        arguments = {name: one for name, one in config.items() if name != CLASS_PATH}
        config = {"class_path": config[CLASS_PATH], "dict_kwargs": arguments}
    else:
        parser.add_class_arguments(class_type, "module", fail_untyped=False)
    try:
        parsed = parser.parse_object({"module": config})
    except ArgumentError as error:
        raise ConfigurationError(
            f"{class_type.__name__} cannot be made of the hyper-parameters of {source}: {error}"
        ) from error
    made: T = parser.instantiate(parsed).module
    return made


def check_trusted(config: Mapping[str, Any], source: Any) -> None:
    """Refuse hyper-parameters of a file that would make objects of any class the file likes.

    Allowed are subclasses of :data:`HARMLESS` and what ``torch.serialization.add_safe_globals`` names. The program, or
    its configuration, must have imported them: nothing is imported because a file says so.

    Args:
        config: the hyper-parameters.
        source: the file, for errors.

    Raises:
        leyden.errors.ConfigurationError: another class is named; says where and which, and how to allow it.
    """
    allowed = {one[0] if isinstance(one, tuple) else one for one in torch.serialization.get_safe_globals()}
    for key, path in _class_paths(config, "['hyper_parameters']"):
        kind = _imported(path)
        if kind is None:
            raise ConfigurationError(
                f"{source}{key} wants an object of {path}, which is not imported. Import its module first, or name the "
                "class in the configuration."
            )
        if kind not in allowed and not (isinstance(kind, type) and issubclass(kind, HARMLESS)):
            raise ConfigurationError(
                f"{source}{key} wants an object of {path}, which may do anything. Where the file is trusted, say "
                f"weights_only=False, or torch.serialization.add_safe_globals([{path.rpartition('.')[2]}])."
            )


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(sys.modules.get(module), name, None)


def _class_paths(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Each class path in hyper-parameters, behind the text that leads to it."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key in ("class_path", CLASS_PATH) and isinstance(one, str):
                yield where, one
            else:
                yield from _class_paths(one, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple | set):
        for index, one in enumerate(value):
            yield from _class_paths(one, f"{where}[{index}]")
