"""The components of a Trainer, each given as an instance or resolved by name."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leyden.api.keywords import KEYWORDS
from leyden.api.unnamed import instance_of, standard, working
from leyden.interfaces.accelerator import Accelerator
from leyden.interfaces.checkpoint_io import CheckpointIO
from leyden.interfaces.environment import ClusterEnvironment
from leyden.interfaces.precision import Precision
from leyden.interfaces.strategy import Strategy
from leyden.plugins.adapt import from_plugin
from leyden.plugins.catalogue import PREFIX, catalogue, official
from leyden.plugins.components import install, resolve
from leyden.plugins.errors import (
    ArgumentTypeError,
    ConfigurationError,
    PluginBlockedError,
    PluginNotFoundError,
    listed,
)

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer

NOTHING = "Leyden's kernel is installed without plugins, and running needs some: pip install leyden"


def choose(trainer: Trainer, values: Mapping[str, Any]) -> None:
    """Give a Trainer its accelerator, devices, strategy, precision, checkpoint io and hook plugins.

    Raises:
        leyden.errors.LeydenError: one of them is not possible here, or not installed.
    """
    given = _instances(values["plugins"])
    trainer.accelerator = _accelerator(values["accelerator"], values["strategy"])
    indices = trainer.accelerator.parse_devices(values["devices"])
    devices = trainer.accelerator.get_parallel_devices(indices)
    trainer.strategy = _strategy(values["strategy"], trainer.accelerator, len(devices) * values["num_nodes"])
    root = devices[0] if devices else None
    # A strategy may bring a precision of its own; one that an earlier Trainer gave it is not its own.
    brought = trainer.strategy.precision
    assigned = getattr(trainer.strategy, "assigned_precision", None)
    own = brought if type(brought) is not Precision and brought is not assigned else None
    if given.get(Precision) and values["precision"] is not None:
        raise ConfigurationError(
            f"precision={values['precision']!r} is not possible beside the plugin "
            f"{type(given[Precision]).__name__}: give one."
        )
    precision = given.get(Precision) or (own if own and values["precision"] is None else None)
    if ClusterEnvironment in given:
        _take_environment(trainer.strategy, given[ClusterEnvironment])
    elif trainer.strategy.uses_environment and trainer.strategy.environment is None:
        trainer.strategy.environment = detected_environment()
    if precision is None:
        precision = trainer.strategy.assigned_precision = _precision(values["precision"], root)
    trainer.strategy.connect(
        accelerator=trainer.accelerator,
        devices=devices,
        num_nodes=values["num_nodes"],
        precision=precision,
        checkpoint_io=given.get(CheckpointIO) or trainer.strategy.checkpoint_io,
    )
    trainer.device_ids = indices
    trainer.listeners = [*given.get("hooks", [])]


def _take_environment(strategy: Strategy, environment: ClusterEnvironment) -> None:
    if not strategy.uses_environment:
        allowed = f"no ClusterEnvironment with {type(strategy).__name__}"
        remedy = "It does not take ranks from one: leave it out, or choose a strategy of several processes."
        raise ConfigurationError.about("plugins", environment, allowed, remedy)
    if strategy.environment is not None and strategy.environment is not environment:
        names = f"{type(strategy.environment).__name__} and plugins {type(environment).__name__}"
        raise ConfigurationError(f"The strategy has cluster_environment {names}: give one of them.")
    strategy.environment = environment


def _instances(given: Any) -> dict[Any, Any]:
    ones = [] if given is None else list(given) if isinstance(given, list | tuple) else [given]
    found: dict[Any, Any] = {}
    for one in ones:
        kind = next(
            (base for base in (Precision, CheckpointIO, ClusterEnvironment) if isinstance(one, base)), None
        )
        if kind is None:
            found.setdefault("hooks", []).append(_hook_plugin(one))
        elif kind in found:
            raise ConfigurationError(
                f"plugins holds two of {kind.__name__}: {type(found[kind]).__name__} and {type(one).__name__}."
            )
        else:
            found[kind] = one
    return found


def _hook_plugin(one: Any) -> Any:
    participant = None
    if not isinstance(one, str | bytes | int | float):
        participant = from_plugin(getattr(one, "__name__", type(one).__name__), one)
    if participant is None or not participant.hooks:
        raise ArgumentTypeError.about("plugins", one, KEYWORDS["plugins"].allowed)
    return participant


def _accelerator(given: Any, strategy: Any) -> Accelerator:
    if isinstance(given, Accelerator):
        return given
    own = getattr(strategy, "accelerator", None)
    if given == "auto" and own is not None:
        return own  # type: ignore[no-any-return]
    if not isinstance(given, str):
        raise ArgumentTypeError.about("accelerator", given, KEYWORDS["accelerator"].allowed)
    if given == "auto":
        return _best_accelerator()
    meant = _named(given)
    available = [one for one in meant if one.is_available()]
    if not available:
        kinds = " and ".join(f"{type(one).__name__} finds no device" for one in meant)
        why = " ".join(text for one in meant if (text := one.absence()))
        raise ConfigurationError(
            f"accelerator={given!r} is not possible on this machine: {kinds}. {why}{' ' if why else ''}"
            f"Available: {listed(one.name for one in _available())}. Use accelerator='auto' to take what is there."
            + _further()
        )
    return available[0]


def _further() -> str:
    """What this project has for hardware that no installed distribution knows."""
    group = PREFIX + "accelerators"
    here = {entry.distribution for entry in catalogue().group(group)}
    others = sorted({distribution for distribution, _ in official()[group].values()} - here)
    return f" For other hardware: {' or '.join(f'pip install {one}' for one in others)}." if others else ""


def _named(name: str) -> list[Accelerator]:
    """The accelerators that a name may mean, the best first.

    Each has its own name alone. What several distributions offer as a further one, such as ``"gpu"``, is a kind of
    hardware, and means the one of them that is here.
    """
    entries = catalogue().named(PREFIX + "accelerators", name)
    found = [one.load()() for one in entries if not one.refusal and not one.incompatibility]
    if len(found) > 1 and all(one.name != name for one in found):
        return sorted(found, key=lambda one: -one.priority)
    return [resolve("accelerators", name)()]


def _available() -> list[Accelerator]:
    def asked(loaded: Any) -> tuple[Accelerator, bool]:
        one = instance_of(Accelerator)(loaded)
        return one, one.is_available()

    found: dict[type, Accelerator] = {}
    for one, available in working(catalogue().group(PREFIX + "accelerators"), "search for devices", asked):
        if available:
            found.setdefault(type(one), one)
    return sorted(found.values(), key=lambda one: -one.priority)


def _best_accelerator() -> Accelerator:
    found = _available()
    if found:
        return found[0]
    blocked = [entry for entry in catalogue().group(PREFIX + "accelerators") if entry.refusal]
    if blocked:
        raise PluginBlockedError(
            f"No accelerator may run: {blocked[0].origin} is installed, but {blocked[0].refusal}."
        )
    if catalogue().group(PREFIX + "strategies") or catalogue().group(PREFIX + "precisions"):
        raise PluginNotFoundError(f"No accelerator is installed. {install('leyden-accelerator-cpu')}")
    raise PluginNotFoundError(NOTHING)


def _strategy(given: Any, accelerator: Accelerator, processes: int) -> Strategy:
    if isinstance(given, Strategy):
        return given
    if not isinstance(given, str):
        raise ArgumentTypeError.about("strategy", given, KEYWORDS["strategy"].allowed)
    automatic = accelerator.auto_strategy(processes) or _automatic(processes)
    name = given if given != "auto" else standard(PREFIX + "strategies", automatic)
    made: Strategy = resolve("strategies", name).from_name(name.rpartition(":")[2])
    return made


def _automatic(processes: int) -> str:
    """The strategy for so many processes; where code is typed in, there is no program to run again."""
    return "single_device" if processes <= 1 else "ddp_notebook" if hasattr(sys, "ps1") else "ddp"


def detected_environment() -> ClusterEnvironment | None:
    """The environment that started this process, as far as an installed one recognises it."""

    def asked(loaded: Any) -> tuple[type[ClusterEnvironment], bool]:
        return loaded, loaded.detect()

    found = working(catalogue().group(PREFIX + "environments"), "detection", asked)
    detected = sorted({one for one, here in found if here}, key=lambda one: -one.priority)
    return detected[0]() if detected else None


def _precision(given: Any, device: Any) -> Precision:
    name = standard(PREFIX + "precisions", "32-true") if given is None else str(given)
    made: Precision = resolve("precisions", name).from_name(name.rpartition(":")[2], device)
    return made
