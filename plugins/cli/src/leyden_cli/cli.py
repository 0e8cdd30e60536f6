"""``LightningCLI``: from command line, files and environment to a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, update_wrapper
from pathlib import Path
from types import MethodType
from typing import Any

import yaml
from jsonargparse import ActionConfigFile, Namespace, class_from_function  # type: ignore[attr-defined]
from torch.optim import Optimizer

import leyden
from leyden import LightningDataModule, LightningModule, Trainer, seed_everything
from leyden.api.hparams import CLASS_PATH, INSTANTIATOR
from leyden.api.loading import read
from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden_cli.answers import as_list, first_line, leyden_error, returned
from leyden_cli.components import load_installed
from leyden_cli.keywords import check, without_defaults
from leyden_cli.modules import Instantiator, check_trusted
from leyden_cli.optimizers import (
    ArgsType,
    LRSchedulerTypeUnion,
    ReduceLROnPlateau,
    as_class_path,
    instantiate_class,
)
from leyden_cli.parser import LightningArgumentParser
from leyden_cli.save_config import SaveConfigCallback

_DATA = {"model", "dataloaders", "datamodule"}


class LightningCLI:
    """Parses arguments, configuration files and environment variables, makes module, data and Trainer, and runs.

    Args:
        model_class: the module's class, or a function annotated to return one; ``None`` takes any that is named with
            ``--model``.
        datamodule_class: the same for the data module, and ``--data``.
        save_config_callback: the class of the callback that saves the configuration; ``None`` saves none.
        save_config_kwargs: its arguments.
        trainer_class: the Trainer's class, or a function annotated to return one.
        trainer_defaults: defaults of the Trainer's keywords; ``callbacks`` among them are always there, beside
            those that are configured.
        seed_everything_default: the seed; ``True`` takes the one of ``PL_GLOBAL_SEED``, else 0; ``False`` does not
            seed.
        parser_kwargs: arguments of the parsers; those below ``"fit"``, … are for one subcommand.
        parser_class: the parsers' class.
        subclass_mode_model: whether the module may be of any subclass of ``model_class``.
        subclass_mode_data: the same for the data module.
        args: what to parse instead of the command line: a list of arguments, a dict, or a Namespace.
        run: whether there are subcommands that run; ``False`` only makes the objects.
        auto_configure_optimizers: whether there are arguments ``optimizer`` and ``lr_scheduler``.
        load_from_checkpoint_support: whether the hyper-parameters that ``save_hyperparameters`` keeps are the
            configuration's, which make objects again, rather than what ``__init__`` got.

    Attributes:
        parser: the parser.
        config: what was parsed.
        config_init: the same, with objects.
        subcommand: the subcommand; ``None`` with ``run=False``.
        model: the module.
        datamodule: the data module, or ``None``.
        trainer: the Trainer.

    Raises:
        leyden.errors.LeydenError: an argument of this class, or what was configured, is not possible.
        SystemExit: the command line is wrong, or asks for help.
    """

    def __init__(
        self,
        model_class: type[LightningModule] | Callable[..., LightningModule] | None = None,
        datamodule_class: type[LightningDataModule] | Callable[..., LightningDataModule] | None = None,
        save_config_callback: type[SaveConfigCallback] | None = SaveConfigCallback,
        save_config_kwargs: dict[str, Any] | None = None,
        trainer_class: type[Trainer] | Callable[..., Trainer] = Trainer,
        trainer_defaults: dict[str, Any] | None = None,
        seed_everything_default: bool | int = True,
        parser_kwargs: dict[str, Any] | None = None,
        parser_class: type[LightningArgumentParser] = LightningArgumentParser,
        subclass_mode_model: bool = False,
        subclass_mode_data: bool = False,
        args: ArgsType = None,
        run: bool = True,
        auto_configure_optimizers: bool = True,
        load_from_checkpoint_support: bool = True,
    ) -> None:
        self.save_config_callback = save_config_callback
        self.save_config_kwargs = save_config_kwargs or {}
        self.trainer_class = trainer_class
        self.trainer_defaults = trainer_defaults or {}
        self.seed_everything_default = seed_everything_default
        self.parser_kwargs = parser_kwargs or {}
        self.parser_class = parser_class
        self.auto_configure_optimizers = auto_configure_optimizers
        self.load_from_checkpoint_support = load_from_checkpoint_support
        self.model_class = model_class
        self.datamodule_class = datamodule_class
        self.subclass_mode_model = model_class is None or subclass_mode_model
        self.subclass_mode_data = datamodule_class is None or subclass_mode_data
        self._model_class: Any = model_class or LightningModule
        self._datamodule_class: Any = datamodule_class or LightningDataModule
        self._run = run

        load_installed()
        main_kwargs, subparser_kwargs = self._setup_parser_kwargs(self.parser_kwargs)
        self.setup_parser(run, main_kwargs, subparser_kwargs)
        self.parse_arguments(self.parser, args)
        self._start()

    def _start(self) -> None:
        """What comes after parsing."""
        self._parse_ckpt_path()
        self.subcommand: str | None = self.config["subcommand"] if self._run else None
        if self.trainer_class is Trainer:
            check(self._get(self.config, "trainer"))
        self._set_seed()
        self.before_instantiate_classes()
        self.instantiate_classes()
        self.after_instantiate_classes()
        if self.subcommand is not None:
            self._run_subcommand(self.subcommand)

    # -- the parsers ---------------------------------------------------------------------------------------------

    def _setup_parser_kwargs(self, parser_kwargs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        own = self.subcommands()
        main = {name: one for name, one in parser_kwargs.items() if name not in own}
        return main, {name: one for name, one in parser_kwargs.items() if name in own}

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Make a parser that reads configuration files."""
        kwargs.setdefault("dump_header", [f"leyden=={leyden.__version__}"])
        parser = self.parser_class(**kwargs)
        parser.add_argument(
            "-c",
            "--config",
            action=ActionConfigFile,
            help="a configuration file, YAML or JSON; may be repeated",
        )
        return parser

    def setup_parser(
        self, add_subcommands: bool, main_kwargs: dict[str, Any], subparser_kwargs: dict[str, Any]
    ) -> None:
        """Make the parser, with subcommands or with arguments of its own."""
        self.parser = self.init_parser(**main_kwargs)
        if not add_subcommands:
            self._add_arguments(self.parser)
            return
        self._subcommand_method_arguments: dict[str, list[str]] = {}
        self._add_subcommands(self.parser, **subparser_kwargs)

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add ``--seed_everything``."""
        parser.add_argument(
            "--seed_everything",
            type=bool | int,
            default=self.seed_everything_default,
            help="the seed, set before anything is made; true takes PL_GLOBAL_SEED, else 0; false does not seed",
        )

    def add_core_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the arguments of Trainer, module and data module."""
        parser.add_lightning_class_args(self.trainer_class, "trainer")
        defaults = {name: one for name, one in self.trainer_defaults.items() if name != "callbacks"}
        parser.set_defaults({f"trainer.{name}": one for name, one in defaults.items()})
        parser.add_lightning_class_args(self._model_class, "model", subclass_mode=self.subclass_mode_model)
        parser.add_lightning_class_args(
            self._datamodule_class,
            "data",
            subclass_mode=self.subclass_mode_data,
            required=self.datamodule_class is not None,  # a module may have the loaders itself
        )

    def _add_arguments(self, parser: LightningArgumentParser) -> None:
        self.add_default_arguments_to_parser(parser)
        self.add_core_arguments_to_parser(parser)
        self.add_arguments_to_parser(parser)
        if self.auto_configure_optimizers:
            if not parser._optimizers:
                parser.add_optimizer_args()
            if not parser._lr_schedulers:
                parser.add_lr_scheduler_args()
        self.link_optimizers_and_lr_schedulers(parser)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Override it to add arguments and links between them.

        Args:
            parser: the parser; each subcommand has its own.
        """

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """The Trainer's methods that are subcommands, each with the parameters that are no arguments."""
        evaluation = {name: set(_DATA) for name in ("validate", "test", "predict")}
        return {"fit": {"model", "train_dataloaders", "val_dataloaders", "datamodule"}, **evaluation}

    def _add_subcommands(self, parser: LightningArgumentParser, **kwargs: Any) -> None:
        self._subcommand_parsers: dict[str, LightningArgumentParser] = {}
        group = parser.add_subcommands()
        trainer_class = (
            self.trainer_class
            if isinstance(self.trainer_class, type)
            else class_from_function(self.trainer_class)
        )
        for name in self.subcommands():
            description = first_line(getattr(trainer_class, name))
            own = {"description": description, **kwargs.get(name, {})}
            made = self._prepare_subcommand_parser(trainer_class, name, **own)
            self._subcommand_parsers[name] = made
            group.add_subcommand(name, made, help=description)

    def _prepare_subcommand_parser(
        self, klass: type, subcommand: str, **kwargs: Any
    ) -> LightningArgumentParser:
        parser = self.init_parser(**kwargs)
        self._add_arguments(parser)
        self._subcommand_method_arguments[subcommand] = parser.add_method_arguments(
            klass, subcommand, skip=set(self.subcommands()[subcommand])
        )
        return parser

    @staticmethod
    def link_optimizers_and_lr_schedulers(parser: LightningArgumentParser) -> None:
        """Hand optimizers and schedulers that have a ``link_to`` to the argument that they name."""
        for key, (kind, link_to) in {**parser._optimizers, **parser._lr_schedulers}.items():
            if link_to == "AUTOMATIC":
                continue
            if isinstance(kind, tuple):
                parser.link_arguments(key, link_to)
            else:
                parser.link_arguments(key, link_to, compute_fn=partial(as_class_path, kind))

    # -- parsing -------------------------------------------------------------------------------------------------

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, into ``self.config``."""
        if args is not None and len(sys.argv) > 1:
            warn(
                "cli-args",
                f"LightningCLI(args={args!r}) is used, and the command line is not: sys.argv[1:]={sys.argv[1:]}.",
            )
        if isinstance(args, dict | Namespace):
            self.config = parser.parse_object(args)
        else:
            self.config = parser.parse_args(args)

    def _parse_ckpt_path(self) -> None:
        """Take the hyper-parameters of a checkpoint that is a file into the configuration."""
        name = self.config.get("subcommand")
        path = self.config[name].get("ckpt_path") if name else None
        if not path or not Path(str(path)).is_file():
            return
        trusted = self.config[name].get("weights_only") is False
        hparams = dict(read(str(path), "cpu", not trusted).get("hyper_parameters", {}))
        hparams.pop(INSTANTIATOR, None)
        if not hparams:
            return
        if not trusted:
            check_trusted(hparams, path)
        if CLASS_PATH in hparams:
            hparams = {"class_path": hparams.pop(CLASS_PATH), "dict_kwargs": hparams}
        try:
            self.config = self.parser.parse_object({name: {"model": hparams}}, self.config)
        except SystemExit:
            sys.stderr.write(f"The hyper-parameters of {path} do not fit the configured model.\n")
            raise

    def dumped(self) -> dict[str, Any]:
        """The configuration of the subcommand as plain data."""
        if not hasattr(self, "config_dump"):
            text = self.parser.dump(self.config, skip_link_targets=False, skip_unset=False, format="yaml")
            whole: dict[str, Any] = yaml.safe_load(text)
            self.config_dump: dict[str, Any] = (
                whole[self.config["subcommand"]] if "subcommand" in self.config else whole
            )
        return self.config_dump

    def _set_seed(self) -> None:
        seed = self._get(self.config, "seed_everything")
        if seed is False:
            return
        used = seed_everything(None if seed is True else seed, workers=True)
        (self.config[self.subcommand] if self.subcommand else self.config)["seed_everything"] = used

    # -- objects -------------------------------------------------------------------------------------------------

    def before_instantiate_classes(self) -> None:
        """Override it to do something before the objects are made."""

    def instantiate_classes(self) -> None:
        """Make module, data module and Trainer."""
        try:
            self.config_init = self.parser.instantiate(self.config, instantiators=self._instantiators())
        except ValueError as error:
            own = leyden_error(error)
            if own is None:
                raise
            raise own from error
        self.datamodule = self._get(self.config_init, "data")
        self.model = self._get(self.config_init, "model")
        self._add_configure_optimizers_method_to_model(self.subcommand)
        self.trainer = self.instantiate_trainer()

    def _instantiators(self) -> list[tuple[Any, type, bool]] | None:
        if not self.load_from_checkpoint_support:
            return None
        return [
            (Instantiator(self, "model"), returned(self._model_class), self.subclass_mode_model),
            (Instantiator(self, "data"), returned(self._datamodule_class), self.subclass_mode_data),
        ]

    def after_instantiate_classes(self) -> None:
        """Override it to do something after the objects are made."""

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Make the Trainer.

        Args:
            kwargs: keywords in place of the configured ones.
        """
        callbacks = [self._get(self.config_init, key) for key in self._parser(self.subcommand).callback_keys]
        return self._instantiate_trainer(
            {**self._get(self.config_init, "trainer", default={}), **kwargs}, callbacks
        )

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[Any]) -> Trainer:
        if "callbacks" in config:
            config["callbacks"] = [
                *as_list(config["callbacks"]), *callbacks, *as_list(self.trainer_defaults.get("callbacks")),
            ]  # fmt: skip
            if self.save_config_callback and not config.get("fast_dev_run", False):
                own = self.config.get(str(self.subcommand), self.config)
                parser = self._parser(self.subcommand)
                config["callbacks"].append(self.save_config_callback(parser, own, **self.save_config_kwargs))
        else:
            warn(
                "cli-callbacks",
                f"{getattr(self.trainer_class, '__qualname__', self.trainer_class)} takes no callbacks: those "
                "that are configured, and the one that saves the configuration, are left out.",
            )
        return self.trainer_class(**without_defaults(config))

    def _parser(self, subcommand: str | None) -> LightningArgumentParser:
        return self.parser if subcommand is None else self._subcommand_parsers[subcommand]

    @staticmethod
    def configure_optimizers(
        lightning_module: LightningModule,
        optimizer: Optimizer,
        lr_scheduler: LRSchedulerTypeUnion | None = None,
    ) -> Any:
        """What the module's ``configure_optimizers`` returns; override it to return something else.

        Args:
            lightning_module: the module.
            optimizer: the configured optimizer.
            lr_scheduler: the configured scheduler.
        """
        if lr_scheduler is None:
            return optimizer
        if isinstance(lr_scheduler, ReduceLROnPlateau):
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": lr_scheduler, "monitor": lr_scheduler.monitor},
            }
        return [optimizer], [lr_scheduler]

    def _add_configure_optimizers_method_to_model(self, subcommand: str | None) -> None:
        if not self.auto_configure_optimizers:
            return
        parser = self._parser(subcommand)
        optimizers = [key for key, (_, link) in parser._optimizers.items() if link == "AUTOMATIC"]
        schedulers = [key for key, (_, link) in parser._lr_schedulers.items() if link == "AUTOMATIC"]
        if not optimizers:
            return
        if len(optimizers) > 1 or len(schedulers) > 1:
            raise ConfigurationError(
                f"Automatic are {', '.join(optimizers + schedulers)}; at most one optimizer and one scheduler can be. "
                "Link the others to arguments of the module (link_to=…), and write configure_optimizers."
            )
        chosen = self._described(parser._optimizers, optimizers[0])
        if not chosen:
            return
        scheduler = self._described(parser._lr_schedulers, schedulers[0]) if schedulers else None
        own = type(self.model).configure_optimizers
        if own is not LightningModule.configure_optimizers:
            warn(
                "cli-optimizers",
                f"The configured optimizer takes the place of {type(self.model).__name__}.configure_optimizers.",
            )
        optimizer = instantiate_class(self.model.parameters(), chosen)
        made = instantiate_class(optimizer, scheduler) if scheduler else None
        function = partial(self.configure_optimizers, optimizer=optimizer, lr_scheduler=made)
        update_wrapper(function, self.configure_optimizers)
        self.model.configure_optimizers = MethodType(function, self.model)

    def _described(self, registered: dict[str, Any], key: str) -> Any:
        kind, value = registered[key][0], self._get(self.config_init, key)
        return value if isinstance(kind, tuple) else as_class_path(kind, value)

    def _get(self, config: Namespace, key: str, default: Any = None) -> Any:
        """A value of the subcommand's configuration."""
        return config.get(str(self.subcommand), config).get(key, default)

    # -- running -------------------------------------------------------------------------------------------------

    def _run_subcommand(self, subcommand: str) -> None:
        before = getattr(self, f"before_{subcommand}", None)
        if callable(before):
            before()
        call = getattr(self, subcommand, getattr(self.trainer, subcommand))
        self.result = call(**self._prepare_subcommand_kwargs(subcommand))
        after = getattr(self, f"after_{subcommand}", None)
        if callable(after):
            after()

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        names = self._subcommand_method_arguments[subcommand]
        given = {name: one for name, one in self.config_init[subcommand].items() if name in names}
        given["model"] = self.model
        if self.datamodule is not None:
            given["datamodule"] = self.datamodule
        return given
