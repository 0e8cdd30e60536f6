"""From keywords to a configured Trainer: options, then components, each resolved by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from leyden.api.callback import ordered
from leyden.api.checks import check_callbacks
from leyden.api.component_choice import choose
from leyden.api.dialects import ask
from leyden.api.keywords import KEYWORDS, check_keywords, validated
from leyden.api.logger import Logger, NoLogger
from leyden.api.rank_zero import rank_zero_info
from leyden.api.unnamed import instance_of, tolerated, unnamed
from leyden.interfaces.option import Option
from leyden.plugins.catalogue import DEFAULTS, DIALECTS, OPTIONS, PREFIX, catalogue, official
from leyden.plugins.components import install, single
from leyden.plugins.errors import (
    ArgumentTypeError,
    ConfigurationError,
    PluginNotFoundError,
    nearest,
    shown,
)

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer

NOT_YET = ("sync_batchnorm", "model_registry", "profiler")
"""Keywords of Lightning that a misspelling may mean although no plugin offers them."""
DEFAULT_LOGGERS = ("tensorboard", "csv")  # Lightning's choice: the first that is installed
_BAREBONES = (
    "enable_checkpointing",
    "enable_progress_bar",
    "enable_model_summary",
    "profiler",
    "detect_anomaly",
)


def configure(trainer: Trainer, given: Mapping[str, Any]) -> None:
    """Give a new Trainer its attributes, callbacks, loggers and components.

    Raises:
        leyden.errors.LeydenError: something given is not possible, or not installed.
    """
    given = _with_environment(dict(given))
    ask("keywords", given)
    chosen = _options(given)
    for option, name in chosen:
        if name in given:
            option.rewrite(given[name], given)
    named = {name for _, name in chosen}
    chosen = sorted(chosen + [one for one in _options(given) if one[1] not in named], key=_order)
    values = check_keywords(given)
    if values["barebones"]:
        _barebones(given, values)
    _attributes(trainer, values)
    choose(trainer, values)
    _limits(trainer, values)
    _remember(trainer, "callbacks")
    for option, name in chosen:
        value = given.get(name, option.default)
        if value is not option.default:
            value = validated(name, value, option.annotation, _words(option))
        apply = partial(_apply, option, value, given, trainer)
        if name in given:
            apply()
        else:
            tolerated(OPTIONS, name, "application", apply)
        _remember(trainer, name)
    trainer.callbacks = ordered(trainer.callbacks)
    trainer.run_state.limits.max_epochs = _max_epochs(trainer, values)
    check_callbacks(trainer.callbacks)
    _check_pairs(trainer, values)
    ask("constructed", trainer)


def _apply(option: Option, value: Any, given: Mapping[str, Any], trainer: Trainer) -> None:
    option.apply(option.validate(value, given), trainer)


def _remember(trainer: Trainer, keyword: str) -> None:
    """Note which keyword brought a callback or listener."""
    for one in (*trainer.callbacks, *(one.target for one in trainer.listeners)):
        trainer.brought_by.setdefault(id(one), keyword)


def _with_environment(given: dict[str, Any]) -> dict[str, Any]:
    """Keywords from ``PL_TRAINER_<KEYWORD>`` variables; those given in code win."""
    import ast

    for name, text in os.environ.items():
        keyword = name.removeprefix("PL_TRAINER_").lower()
        own = name.startswith("PL_TRAINER_") and not keyword.startswith(
            "_"
        )  # PL_TRAINER__… is LightningCLI's
        if own and keyword not in given:
            try:
                given[keyword] = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                given[keyword] = text
    return given


def _options(given: Mapping[str, Any]) -> list[tuple[Option, str]]:
    """The options that take part: those given, and those on by default. Unknown keywords raise."""
    defaults = {entry.name for entry in catalogue().group(DEFAULTS) if entry.obstacle is None}
    names = [name for name in given if name not in KEYWORDS and not _switched_off(name, given)]
    loaded = [(_option(name), name) for name in names]
    loaded += [
        (one, name) for name in sorted(defaults - given.keys()) for one in unnamed(OPTIONS, name, Option)
    ]
    return sorted(loaded, key=_order)


def _order(chosen: tuple[Option, str]) -> tuple[int, str]:
    return chosen[0].order, chosen[1]


def _switched_off(name: str, given: Mapping[str, Any]) -> bool:
    """Whether a keyword only says that a plugin, which is not even installed, shall do nothing."""
    nothing = name in given and (given[name] is False or given[name] is None)
    return nothing and name in official().get(OPTIONS, {}) and not catalogue().named(OPTIONS, name)


def _option(name: str) -> Option:
    found = catalogue().named(OPTIONS, name)
    if not found:
        raise ArgumentTypeError(_unknown(name))
    entry = single(found, f"Trainer keyword {name!r}")
    loaded = entry.load()
    return entry.attempt("creation", lambda: instance_of(Option)(loaded))


def _unknown(name: str) -> str:
    owners = official().get(OPTIONS, {})
    if name in owners:
        return (
            f"Trainer has no keyword {name!r} because its plugin is not installed. {install(owners[name][0])}"
        )
    offered = [(entry.name, entry.distribution) for entry in catalogue().group(OPTIONS)]
    offered += [(option, owner[0]) for option, owner in owners.items()]
    older = {entry.distribution for entry in catalogue().group(DIALECTS)}  # nobody misspells what is gone
    older |= {owner[0] for owner in official().get(DIALECTS, {}).values()}
    known = {*KEYWORDS, *(option for option, owner in offered if owner not in older)}
    if name in NOT_YET:
        return f"Trainer has no keyword {name!r}: Lightning has it, and no plugin of Leyden does yet."
    close = nearest(name, known | set(NOT_YET))
    if close is None:
        return f"Trainer has no keyword {name!r}. help(leyden.Trainer) lists those that are installed."
    missing = close in owners and close not in KEYWORDS and not catalogue().named(OPTIONS, close)
    text = f"Trainer has no keyword {name!r}. Did you mean {close!r}?"
    return f"{text} {install(owners[close][0])}" if missing else text


def _words(option: Option) -> str:
    allowed = getattr(option, "allowed", "")
    return allowed or getattr(option.annotation, "__name__", str(option.annotation)).replace("typing.", "")


def _barebones(given: dict[str, Any], values: dict[str, Any]) -> None:
    wanted = [name for name in (*_BAREBONES, "logger", "fast_dev_run") if given.get(name)]
    wanted += ["num_sanity_val_steps"] if given.get("num_sanity_val_steps") else []
    wanted += ["log_every_n_steps"] if given.get("log_every_n_steps") else []
    if wanted:
        raise ConfigurationError(
            f"barebones=True is not possible with {wanted[0]}={shown(given[wanted[0]])}: it switches "
            "that off. Leave one out."
        )
    installed = {entry.name for entry in catalogue().group(OPTIONS)}
    given.update({name: False for name in _BAREBONES[:3] if name in installed})
    values.update(logger=False, num_sanity_val_steps=0, log_every_n_steps=0)
    rank_zero_info(
        "barebones=True: no checkpoints, loggers, bars, summary or sanity check, and self.log does nothing."
    )


def _attributes(trainer: Trainer, values: dict[str, Any]) -> None:
    plain = (
        "fast_dev_run", "accumulate_grad_batches", "inference_mode", "use_distributed_sampler", "overfit_batches",
        "reload_dataloaders_every_n_epochs", "barebones", "enable_autolog_hparams", "num_nodes",
    )  # fmt: skip
    for name in plain:
        setattr(trainer, name, values[name])
    for name in ("limit_train_batches", "limit_val_batches", "limit_test_batches", "limit_predict_batches"):
        setattr(trainer, name, 1.0 if values[name] is None else values[name])
    trainer.val_check_interval = 1.0 if values["val_check_interval"] is None else values["val_check_interval"]
    trainer.log_every_n_steps = 50 if values["log_every_n_steps"] is None else values["log_every_n_steps"]
    trainer.gradient_clip_val = trainer.gradient_clip_algorithm = None
    trainer.require_plugins = tuple(values["require_plugins"])
    runs = int(values["fast_dev_run"])
    trainer.fast_dev_run = bool(runs) if runs < 2 else runs
    root = values["default_root_dir"]
    trainer.default_root_dir = os.getcwd() if root is None else os.fspath(root)
    trainer.callbacks = checked_callbacks(values["callbacks"])
    loggers = _loggers(values["logger"], trainer.default_root_dir)
    trainer.loggers = [NoLogger() for _ in loggers[:1]] if trainer.fast_dev_run else loggers


def _limits(trainer: Trainer, values: dict[str, Any]) -> None:
    limits = trainer.run_state.limits
    if trainer.fast_dev_run:
        batches = int(trainer.fast_dev_run)
        rank_zero_info(f"fast_dev_run: {batches} batch(es) of every loop; no loggers, no checkpoints.")
        values.update(max_steps=batches, max_epochs=1, num_sanity_val_steps=0, val_check_interval=1.0)
        values.update(check_val_every_n_epoch=1, min_epochs=None, min_steps=None)
        trainer.val_check_interval = 1.0
        for name in ("train", "val", "test", "predict"):
            setattr(trainer, f"limit_{name}_batches", batches)
    limits.max_steps = inf if values["max_steps"] == -1 else values["max_steps"]
    limits.min_steps = values["min_steps"] or 0
    limits.min_epochs = values["min_epochs"] or (1 if values["min_steps"] else 0)
    limits.check_val_every_n_epoch = values["check_val_every_n_epoch"]
    sanity = 2 if values["num_sanity_val_steps"] is None else values["num_sanity_val_steps"]
    limits.num_sanity_val_steps = inf if sanity == -1 else sanity
    if trainer.overfit_batches > 0:
        limits.num_sanity_val_steps = 0 if sanity != -1 else inf


def _max_epochs(trainer: Trainer, values: Mapping[str, Any]) -> float:
    """The limit of epochs; without any limit of the user's, 1000, said when fitting begins."""
    given = values["max_epochs"]
    trainer.epochs_open = given is None
    if given is not None or values["max_steps"] != -1:
        return inf if given in (None, -1) else given
    if any(getattr(callback, "leyden_limits_fit", False) for callback in trainer.callbacks):
        return inf
    trainer.notes.append("max_epochs was not given and is 1000; set it, or -1 for no limit.")
    return 1000


def checked_callbacks(given: Any, name: str = "callbacks") -> list[Any]:
    """Callbacks as a list.

    Raises:
        leyden.errors.ArgumentTypeError: one of them is no callback.
    """
    from torch.nn import Module

    from leyden.api.callback import Callback
    from leyden.api.datamodule import LightningDataModule

    callbacks = [] if given is None else list(given) if isinstance(given, list | tuple | set) else [given]
    for one in callbacks:
        if isinstance(one, type):
            raise ArgumentTypeError.about(name, one, "instances of callbacks", f"Call it: {one.__name__}().")
        hooked = isinstance(one, Callback) or any(
            name.startswith("on_") or name in ("setup", "teardown")
            for name in dir(type(one))
            if not name.startswith("__")
        )
        if not hooked or isinstance(one, str | bytes | Module | LightningDataModule):
            raise ArgumentTypeError.about(name, one, KEYWORDS["callbacks"].allowed)
    return callbacks


def _loggers(given: Any, root: str) -> list[Any]:
    if given is False:
        return []
    if given is None or given is True:
        return _default_logger(required=given is True, root=root)
    loggers = (
        list(given)
        if isinstance(given, Iterable) and not isinstance(given, Logger | str | Mapping)
        else [given]
    )
    for one in loggers:
        if isinstance(one, type) or not (hasattr(one, "log_metrics") and hasattr(one, "log_hyperparams")):
            raise ArgumentTypeError.about("logger", one, KEYWORDS["logger"].allowed)
    return loggers


def _default_logger(required: bool, root: str) -> list[Any]:
    for name in DEFAULT_LOGGERS:
        found = unnamed(PREFIX + "loggers", name, Logger, save_dir=root)
        if found:
            return found
    if required:
        raise PluginNotFoundError(
            "logger=True needs a logger, and none is installed. "
            f"{install('leyden-logger-tensorboard')} (or leyden-logger-csv)"
        )
    return []


def _check_pairs(trainer: Trainer, values: Mapping[str, Any]) -> None:
    limits = trainer.run_state.limits
    if limits.min_epochs > limits.max_epochs:
        raise ConfigurationError(
            f"min_epochs={limits.min_epochs} is not possible with max_epochs={limits.max_epochs}: it is more."
        )
    if limits.min_steps > limits.max_steps:
        raise ConfigurationError(
            f"min_steps={limits.min_steps} is not possible with max_steps={limits.max_steps}: it is more."
        )
    interval = values["val_check_interval"]
    if values["check_val_every_n_epoch"] is None and isinstance(interval, float):
        raise ConfigurationError.about(
            "val_check_interval",
            interval,
            "an int with check_val_every_n_epoch=None, which counts batches across epochs",
        )
