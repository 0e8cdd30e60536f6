"""What the commands run: a LightningCLI for any module and any data, with one subcommand."""

from __future__ import annotations

from typing import Any

from leyden.errors import ConfigurationError
from leyden.plugins.selection import project_defaults
from leyden_cli.cli import LightningCLI
from leyden_cli.optimizers import ArgsType
from leyden_cli.parser import LightningArgumentParser


class ConfiguredRun(LightningCLI):
    """A run that has been parsed and waits for :meth:`start`.

    What is not given is taken from environment variables (``LEYDEN_FIT__TRAINER__MAX_EPOCHS``), then from
    ``[tool.leyden.cli]`` of the nearest pyproject.toml, then from the defaults.

    Args:
        name: the subcommand.
        arguments: its arguments.
    """

    def __init__(self, name: str, arguments: list[str]) -> None:
        self.name = name
        settings = {"prog": "leyden", "env_prefix": "LEYDEN", "default_env": True}
        super().__init__(args=[name, *arguments], parser_kwargs=settings)

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]
        """The one."""
        return {self.name: super().subcommands()[self.name]}

    def _add_subcommands(self, parser: LightningArgumentParser, **kwargs: Any) -> None:
        super()._add_subcommands(parser, **kwargs)
        self._subcommand_parsers[self.name].prog = f"leyden {self.name}"

    def _add_arguments(self, parser: LightningArgumentParser) -> None:
        super()._add_arguments(parser)
        defaults, path = project_defaults()
        try:
            parser.set_defaults(dict(_flat(defaults)))
        except (KeyError, ValueError, TypeError) as error:
            raise ConfigurationError(f"[tool.leyden.cli] in {path} cannot be used: {error}") from error

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse."""
        self.config = parser.parse_args(args)  # type: ignore[arg-type]

    def _start(self) -> None:
        """Wait."""

    def start(self) -> None:
        """Make the objects and run."""
        super()._start()


def _flat(table: dict[str, Any], prefix: str = "") -> Any:
    """Tables as dotted keys, down to the arguments of the Trainer; a class and its arguments stay together."""
    for key, value in table.items():
        if isinstance(value, dict) and not prefix and "class_path" not in value:
            yield from _flat(value, f"{key}.")
        else:
            yield f"{prefix}{key}", value
