"""The parser: jsonargparse's, with classes of Leyden and errors that say what to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NoReturn

import torch
from jsonargparse import (  # type: ignore[attr-defined]  # jsonargparse's own __init__ exports by *
    ArgumentParser,
    class_from_function,
    register_unresolvable_import_paths,
    set_parsing_settings,
)
from torch.optim import Optimizer

from leyden import Callback, LightningDataModule, LightningModule, Trainer
from leyden.errors import ArgumentTypeError
from leyden_cli.keywords import document
from leyden_cli.messages import improved
from leyden_cli.optimizers import LRSchedulerTypeTuple

register_unresolvable_import_paths(torch)  # torch's functions do not say where they are imported from
set_parsing_settings(config_read_mode_fsspec_enabled=True)

Classes = type | tuple[type, ...]
_READING: ContextVar[str] = ContextVar("_READING", default="")
"""The configuration file that is being read."""


class LightningArgumentParser(ArgumentParser):
    """jsonargparse's parser, with groups for modules, data modules, Trainers, callbacks, optimizers and schedulers.

    Args:
        args: as of ``jsonargparse.ArgumentParser``.
        description: what ``--help`` begins with.
        env_prefix: what the names of environment variables begin with.
        default_env: whether environment variables are read.
        kwargs: as of ``jsonargparse.ArgumentParser``.

    Attributes:
        callback_keys: the groups that are callbacks, which the Trainer gets.
    """

    def __init__(
        self,
        *args: Any,
        description: str = "Train, validate, test and predict with a LightningModule.",
        env_prefix: str = "PL",
        default_env: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault(
            "allow_abbrev", False
        )  # a misspelling that begins like an argument is no abbreviation
        super().__init__(
            *args, description=description, env_prefix=env_prefix, default_env=default_env, **kwargs
        )
        self.callback_keys: list[str] = []
        self._optimizers: dict[str, tuple[Classes, str]] = {}
        self._lr_schedulers: dict[str, tuple[Classes, str]] = {}

    def add_lightning_class_args(
        self,
        lightning_class: Callable[..., Any] | type,
        nested_key: str,
        subclass_mode: bool = False,
        required: bool = True,
    ) -> list[str]:
        """Add the arguments of a class below a key.

        Args:
            lightning_class: a Trainer, LightningModule, LightningDataModule or Callback, or a function that returns
                one.
            nested_key: the key.
            subclass_mode: take any subclass, named by ``class_path``.
            required: whether ``subclass_mode`` needs one.

        Returns:
            The names of the arguments.

        Raises:
            leyden.errors.ArgumentTypeError: it is none of these.
        """
        made = lightning_class if isinstance(lightning_class, type) else _class_of(lightning_class)
        if made is None or not issubclass(made, (Trainer, LightningModule, LightningDataModule, Callback)):
            raise ArgumentTypeError.about(
                "lightning_class", lightning_class,
                "a Trainer, LightningModule, LightningDataModule or Callback class, or a function annotated to "
                "return one",
            )  # fmt: skip
        if issubclass(made, Callback):
            self.callback_keys.append(nested_key)
        if subclass_mode:
            names: list[str] = self.add_subclass_arguments(
                made, nested_key, fail_untyped=False, required=required
            )
            return names
        trainer = issubclass(made, Trainer)
        added: list[str] = self.add_class_arguments(
            made, nested_key, fail_untyped=False, instantiate=not trainer, sub_configs=True
        )
        if trainer:
            document(self, nested_key)
        return added

    def add_optimizer_args(
        self,
        optimizer_class: Any = (Optimizer,),
        nested_key: str = "optimizer",
        link_to: str = "AUTOMATIC",
    ) -> None:
        """Add the arguments of an optimizer below a key.

        Args:
            optimizer_class: an optimizer class, or a tuple of classes whose subclasses may be chosen.
            nested_key: the key.
            link_to: the argument that gets its configuration; ``"AUTOMATIC"`` makes the module's
                ``configure_optimizers`` return it.

        Raises:
            leyden.errors.ArgumentTypeError: it is no optimizer class.
        """
        self._add(optimizer_class, "optimizer_class", (Optimizer,), nested_key, "params")
        self._optimizers[nested_key] = (optimizer_class, link_to)

    def add_lr_scheduler_args(
        self,
        lr_scheduler_class: Any = LRSchedulerTypeTuple,
        nested_key: str = "lr_scheduler",
        link_to: str = "AUTOMATIC",
    ) -> None:
        """Add the arguments of a scheduler below a key; as :meth:`add_optimizer_args`.

        ``ReduceLROnPlateau`` is the one of ``leyden.cli``, which knows its metric, never torch's.
        """
        self._add(lr_scheduler_class, "lr_scheduler_class", LRSchedulerTypeTuple, nested_key, "optimizer")
        self._lr_schedulers[nested_key] = (lr_scheduler_class, link_to)

    def _add(self, given: Any, name: str, bases: tuple[type, ...], key: str, skip: str) -> None:
        several = given if isinstance(given, tuple) else (given,)
        if not all(isinstance(one, type) and issubclass(one, bases) for one in several):
            allowed = f"a subclass of {' or '.join(one.__name__ for one in bases)}, or a tuple of them"
            raise ArgumentTypeError.about(name, given, allowed)
        if isinstance(given, tuple):
            self.add_subclass_arguments(given, key, instantiate=False, fail_untyped=False, skip={skip})
        else:
            self.add_class_arguments(
                given, key, instantiate=False, fail_untyped=False, skip={skip}, sub_configs=True
            )

    def print_usage(self, *args: Any, **kwargs: Any) -> None:
        """One line: the arguments are too many to stand before an error."""
        file = args[0] if args else kwargs.get("file")
        print(f"usage: {self.prog.replace(' [options]', '')} [options]", file=file)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """End with a message that says what is wrong, what is allowed, and the nearest spelling."""
        file = _READING.get()
        super().error(improved(message, self) + (f"\nThis stands in the file {file!r}." if file else ""), ex)

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Read a configuration file; errors name it."""
        token = _READING.set(os.fspath(path))
        try:
            return super().parse_path(path, *args, **kwargs)
        finally:
            _READING.reset(token)


def _class_of(given: Any) -> type | None:
    if not callable(given):
        return None
    made: type = class_from_function(given)
    return made
