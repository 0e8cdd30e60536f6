"""``Trainer.add_argparse_args`` and ``Trainer.from_argparse_args``."""

from __future__ import annotations

import ast
import inspect
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from leyden.api.signature import parameters
from leyden.plugins.catalogue import OPTIONS, catalogue
from leyden_legacy.options.base import Keyword

PREFIX = "PL_TRAINER_"


def _older() -> dict[str, Any]:
    """The keywords of this plugin, with their defaults."""
    entries = [one for one in catalogue().group(OPTIONS) if one.distribution == "leyden-legacy"]
    return {one.name: one.load().default for one in entries if issubclass(one.load(), Keyword)}


def _keywords(cls: type) -> dict[str, Any]:
    """Every keyword of a Trainer's class and its default: those of its own constructor, if it has one."""
    own = inspect.signature(cls).parameters.values()
    if not any(one.kind is one.VAR_KEYWORD for one in own):
        return {one.name: one.default for one in own if one.name not in ("self", "args")}
    named = {one.name: one.default for one in own if one.kind is one.POSITIONAL_OR_KEYWORD}
    return {**{one.name: one.default for one in parameters()}, **named}


def read(text: str) -> Any:
    """A keyword's value as text: a Python literal, or else the text itself."""
    if text.lower() in ("true", "false", "none"):
        text = text.capitalize()
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def adder(cls: type) -> Callable[..., ArgumentParser]:
    """``Trainer.add_argparse_args``."""

    def add_argparse_args(parent_parser: ArgumentParser, use_argument_group: bool = True, **_: Any) -> Any:
        """Give a parser an option ``--<keyword>`` for each keyword of the Trainer, the older ones included.

        Args:
            parent_parser: the parser; it is extended.
            use_argument_group: show them in a group of their own.

        Returns:
            The parser.
        """
        group = (
            parent_parser.add_argument_group(f"leyden.{cls.__name__}")
            if use_argument_group
            else parent_parser
        )
        taken = set(parent_parser._option_string_actions)
        for name, default in {**_keywords(cls), **_older()}.items():
            if f"--{name}" not in taken:
                value = None if default is inspect.Parameter.empty else default
                flag = isinstance(value, bool)
                extra: dict[str, Any] = {"nargs": "?", "const": True} if flag else {}
                group.add_argument(f"--{name}", type=read, default=value, **extra)
        return parent_parser

    return add_argparse_args


def maker(cls: type) -> Callable[..., Any]:
    """``Trainer.from_argparse_args``."""

    def from_argparse_args(args: Namespace | ArgumentParser, **kwargs: Any) -> Any:
        """Make a Trainer of parsed arguments; what is no keyword of it is left out, what has its default too.

        Args:
            args: the arguments, or a parser, which then parses the command line.
            kwargs: keywords that win.
        """
        given = args.parse_args() if isinstance(args, ArgumentParser) else args
        known = {**_keywords(cls), **_older()}
        found = {
            name: value
            for name, value in vars(given).items()
            if name in known and not _same(value, known[name])
        }
        return cls(**{**found, **kwargs})

    return from_argparse_args


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


def parser(cls: type) -> Callable[..., Namespace]:
    """``Trainer.parse_argparser``."""

    def parse_argparser(arg_parser: ArgumentParser | Namespace) -> Namespace:
        """The parsed arguments."""
        return arg_parser.parse_args() if isinstance(arg_parser, ArgumentParser) else arg_parser

    return parse_argparser


def environment(cls: type) -> Callable[[], Namespace]:
    """``Trainer.match_env_arguments``."""

    def match_env_arguments() -> Namespace:
        """The keywords that environment variables give."""
        found = {
            name.removeprefix(PREFIX).lower(): read(text)
            for name, text in os.environ.items()
            if name.startswith(PREFIX)
        }
        return Namespace(**found)

    return match_env_arguments


def defaults(cls: type) -> Callable[[], dict[str, Any]]:
    """``Trainer.default_attributes``."""
    return lambda: _keywords(cls)
