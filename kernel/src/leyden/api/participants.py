"""Who listens to a run, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from leyden.api.callback import Callback
from leyden.api.datamodule import LightningDataModule
from leyden.api.dialects import ask
from leyden.api.module import LightningModule
from leyden.api.unnamed import working
from leyden.api.warn import warn
from leyden.interfaces.strategy import Strategy
from leyden.kernel.events import EVENTS
from leyden.plugins.adapt import Participant, from_object, from_plugin
from leyden.plugins.catalogue import PLUGINS, PREFIX, Catalogue, Entry
from leyden.plugins.errors import (
    PluginBlockedError,
    PluginNotFoundError,
    did_you_mean,
    listed,
)
from leyden.plugins.selection import canonical

if TYPE_CHECKING:
    from leyden.api.session import Session

_LATE = frozenset({"on_train_epoch_end"})
_DATA_EARLY = frozenset({"prepare_data", "setup", "teardown"})
_DATA_LATE = frozenset({"on_exception"})
_STRATEGY = frozenset({"on_exception"})
_NOT_THE_MODULES = frozenset({"on_load_checkpoint", "on_exception"})


def arranged(session: Session, catalogue: Catalogue) -> list[Participant]:
    """All listeners of a run in calling order.

    Lightning's order: the data module's preparation; callbacks in list order; hook plugins; the module; the strategy;
    the epoch-end of callbacks that monitor; loggers.
    """
    module, datamodule = session.module, session.datamodule
    callbacks = session.trainer.callbacks
    names = unique_names(callbacks)
    last = [one for one in callbacks if getattr(one, "leyden_order", 0) > 0]
    first = [one for one in callbacks if getattr(one, "leyden_order", 0) <= 0]

    def adapted(ones: Sequence[Any]) -> list[Participant]:
        return [_callback(one, names[id(one)], catalogue) for one in ones]

    parts: list[Participant] = []
    if datamodule is not None:
        name = type(datamodule).__name__
        parts.append(
            from_object(name, "datamodule", datamodule, LightningDataModule, skip=2, only=_DATA_EARLY)
        )
    parts += [*adapted(first), *(session.plugins or ()), *session.trainer.listeners, *adapted(last)]
    name = type(module).__name__
    parts.append(
        from_object(
            name,
            "module",
            module,
            LightningModule,
            skip=2,
            without=_NOT_THE_MODULES,
            older=partial(ask, "listener"),
        )
    )
    if datamodule is not None:
        name = type(datamodule).__name__
        parts.append(
            from_object(name, "datamodule's end", datamodule, LightningDataModule, skip=2, only=_DATA_LATE)
        )
    strategy = session.strategy
    parts.append(from_object(type(strategy).__name__, "strategy", strategy, Strategy, skip=2, only=_STRATEGY))
    if strategy.world_size > 1:
        parts.append(_shared_metrics(session))
    monitoring = [one for one in callbacks if getattr(one, "leyden_monitors", False)]
    parts += [_callback(one, names[id(one)], catalogue, late=True) for one in monitoring]
    parts += [
        logger_participant(one, f"{type(one).__name__} {i}", _origin(catalogue, "loggers", one))
        for i, one in enumerate(session.trainer.loggers)
    ]
    return ask("listeners", session, parts) or parts


def _shared_metrics(session: Session) -> Participant:
    """What the module logs when an epoch ends is reduced over all processes before callbacks judge it."""
    participant = Participant("metrics", "reduction over all processes", session.metrics)
    participant.listen(EVENTS["on_train_epoch_end"], session.metrics.share_epoch, ())
    return participant


def unique_names(callbacks: Sequence[Any]) -> dict[int, str]:
    """A name for each callback by its id: its class, numbered where several are of one class."""
    seen: dict[str, int] = {}
    names = {}
    for one in callbacks:
        name = type(one).__name__
        seen[name] = seen.get(name, 0) + 1
        names[id(one)] = name if seen[name] == 1 else f"{name} {seen[name]}"
    return names


def _callback(callback: Any, name: str, catalogue: Catalogue, late: bool = False) -> Participant:
    origin = _origin(catalogue, "callbacks", callback)
    kind = "callback's judgement" if late else "callback"
    monitors = getattr(callback, "leyden_monitors", False)
    without = _LATE if monitors and not late else frozenset()
    return from_object(
        name,
        kind,
        callback,
        Callback,
        origin=origin,
        only=_LATE if late else None,
        without=without,
        older=partial(ask, "listener"),
    )


def _origin(catalogue: Catalogue, family: str, target: Any) -> str:
    catalogue.group(PREFIX + family)  # so that one imported from its own module is known, too
    owner = catalogue.owner_of_object(target)
    return owner.origin if owner is not None else ""


def hook_plugins(session: Session, catalogue: Catalogue) -> list[Participant]:
    """The installed hook plugins that may run; a broken one is a value of the catalogue, and a warning.

    Raises:
        leyden.errors.PluginError: it was required by name, or ``LEYDEN_PLUGINS_STRICT=1``.
    """
    required = set(session.trainer.require_plugins)
    if required:
        _check_required(required, catalogue)
    if catalogue.selection.lock is not None:
        _say_what_the_lock_refuses(catalogue)
    found = catalogue.group(PLUGINS)
    made: list[Participant] = []
    for entry in found:
        named = any(_answers(entry, name) for name in required)
        adapted = partial(from_plugin, entry.name, origin=entry.origin)
        made += working([entry], "registration", adapted, strict=named)
    names_seen = [one.name for one in made]
    for one in made:
        if names_seen.count(one.name) > 1:
            one.name = f"{one.origin.partition(' ')[0]}:{one.name}"
    return made


def _say_what_the_lock_refuses(catalogue: Catalogue) -> None:
    refused = {one.distribution: one.refusal for one in catalogue.everything() if one.refusal}
    if refused:
        told = "; ".join(f"{name}: {why}" for name, why in sorted(refused.items()))
        warn(
            "lock",
            f"The lock keeps plugins out of this run: {told}. `leyden plugins lock --verify` tells more.",
        )


def _answers(entry: Entry, name: str) -> bool:
    return name == entry.name or canonical(name) == canonical(entry.distribution)


def _check_required(required: set[str], catalogue: Catalogue) -> None:
    """Raise unless everything that ``require_plugins`` names is installed and may run."""
    entries = catalogue.everything()
    distributions = {entry.distribution for entry in entries}
    for name in sorted(required):
        answering = [entry for entry in entries if _answers(entry, name)]
        if not answering:
            hint = did_you_mean(name, distributions | {entry.name for entry in entries})
            raise PluginNotFoundError(
                f"require_plugins={name!r}: not installed; installed are {listed(distributions)}. {hint}".rstrip()
            )
        refused = [entry for entry in answering if entry.obstacle]
        if refused:
            raise PluginBlockedError(
                f"require_plugins={name!r}: {refused[0].origin} may not run: {refused[0].obstacle}."
            )


def listener(target: Any, name: str, origin: str = "") -> Participant:
    """A listener that an option adds."""
    return from_object(name, "option", target, None, origin=origin)


def logger_participant(logger: Any, name: str, origin: str = "") -> Participant:
    """A logger as a listener."""
    participant = Participant(name, "logger", logger, origin)
    calls: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
        "leyden_log_metrics": (_record_taker(logger), ("record",)),
        "leyden_log_hyperparams": (logger.log_hyperparams, ("params",)),
        "leyden_finalize": (logger.finalize, ("status",)),
        "leyden_checkpoint_tracked": (logger.after_save_checkpoint, ("checkpoint_callback",)),
    }
    if hasattr(logger, "on_exception"):
        calls["on_exception"] = (logger.on_exception, ("exception",))
    if hasattr(logger, "log_graph"):
        calls["leyden_log_graph"] = (_graph_taker(logger), ("pl_module",))
    for name, (call, passed) in calls.items():
        participant.listen(EVENTS[name], call, passed)
    return participant


def _graph_taker(logger: Any) -> Callable[..., Any]:
    def take(pl_module: Any) -> None:
        logger.log_graph(pl_module)
        logger.save()

    return take


def _record_taker(logger: Any) -> Callable[..., Any]:
    if hasattr(logger, "log_record"):
        return logger.log_record  # type: ignore[no-any-return]
    return lambda record: logger.log_metrics(
        metrics={**record.metrics, "epoch": record.epoch}, step=record.step
    )
