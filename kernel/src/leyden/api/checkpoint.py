"""A run's state as one dict, and back, under Lightning's keys; Leyden's own stand under ``leyden``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.api import rich_hparams
from leyden.api.progress import loops_state, places, read_loops
from leyden.api.ranks import with_all_ranks
from leyden.api.rng import rng_state, set_rng_state
from leyden.api.saved_hparams import plain, stays_object
from leyden.api.warn import warn
from leyden.errors import CheckpointError
from leyden.kernel.state import Point
from leyden.plugins.errors import listed

if TYPE_CHECKING:
    from leyden.api.session import Session

FORMAT_VERSION = "2.6.6"
"""The release of pytorch-lightning whose format is written; its migrations read the key."""

KEY = "leyden"


def checked(contents: Any, path: Any) -> dict[str, Any]:
    """A checkpoint that was read, if it is one.

    Raises:
        leyden.errors.CheckpointError: it is something else.
    """
    if not isinstance(contents, dict):
        raise CheckpointError(f"{path} holds a {type(contents).__name__}, and no checkpoint of a Trainer.")
    if "state_dict" not in contents:
        hint = (
            " It looks like a bare state_dict: load it with module.load_state_dict."
            if _bare(contents)
            else ""
        )
        raise CheckpointError(f"{path} has no key 'state_dict', so it is no checkpoint of a Trainer.{hint}")
    return contents


def _bare(contents: dict[str, Any]) -> bool:
    return bool(contents) and all(hasattr(value, "dtype") for value in contents.values())


def dump(session: Session, weights_only: bool) -> dict[str, Any]:
    """Assemble the checkpoint of a running session.

    Args:
        session: the session.
        weights_only: leave out what only resuming needs (callbacks, optimizers, schedulers, precision).
    """
    trainer, strategy, counters = session.trainer, session.strategy, session.state.counters
    checkpoint: dict[str, Any] = {
        "epoch": counters.epoch,
        "global_step": counters.optimizer_steps,
        "pytorch-lightning_version": FORMAT_VERSION,
        "state_dict": strategy.module_state_dict(),
        "loops": loops_state(session),
    }
    if not weights_only:
        checkpoint["callbacks"] = callback_states(trainer.callbacks)
        step = session.step
        checkpoint["optimizer_states"] = (
            [strategy.optimizer_state(one) for one in step.optimizers] if step else []
        )
        checkpoint["lr_schedulers"] = (
            [config.scheduler.state_dict() for config in step.schedulers] if step else []
        )
        precision = strategy.precision.state_dict()
        if precision:
            checkpoint[type(strategy.precision).__qualname__] = precision
    _hyper_parameters(session, checkpoint)
    if session.datamodule is not None and (state := session.datamodule.state_dict()):
        checkpoint[type(session.datamodule).__qualname__] = state
    if not weights_only:
        own = own_state(session)
        if found := places(own["loaders"]):
            checkpoint["loops"]["fit_loop"]["state_dict"]["combined_loader"] = found
        checkpoint[KEY] = with_all_ranks(session, own)
        if session.hooks.on_save_checkpoint:
            session.hooks.on_save_checkpoint(trainer, session.module, checkpoint)
    else:
        session.in_hook("on_save_checkpoint", session.module.on_save_checkpoint, checkpoint)
    return checkpoint


def callback_states(callbacks: list[Any]) -> dict[str, Any]:
    """The states of callbacks that have one, by state key."""
    states = {}
    for callback in callbacks:
        state = callback.state_dict() if hasattr(callback, "state_dict") else None
        if state:
            states[callback.state_key] = state
    return states


def own_state(session: Session) -> dict[str, Any]:
    """What exact resume needs beyond Lightning's keys."""
    state = session.state
    return {
        "format": 1,
        "module": f"{type(session.module).__module__}:{type(session.module).__qualname__}",
        "counters": state.counters.state_dict(),
        "point": int(state.point),
        "is_last_batch": state.is_last_batch,
        "rng": rng_state(),
        "device_rng": session.accelerator.get_rng_state(),
        "loaders": session.data.state_dict(),
        "metrics": session.metrics.state_dict(),
        "evaluation_counts": [[*key, count] for key, count in session.evaluation_counts.items()],
        "gradients": open_gradients(session),
        "accumulating": bool(session.step and session.step.accumulating),
        "scheduler_steps": session.step.scheduler_steps if session.step else 0,
        "plugins": session.plugins_in_use(),
    }


def open_gradients(session: Session) -> dict[str, Any]:
    """Gradients that the next batch adds to: those of an open accumulation window, and all in manual optimization."""
    module, step = session.module, session.step
    if step is None or (module.automatic_optimization and not step.accumulating):
        return {}
    saved = session.strategy.saved_gradient
    return {name: saved(one) for name, one in module.named_parameters() if one.grad is not None}


def restore_gradients(session: Session, checkpoint: dict[str, Any] | None) -> None:
    """Give parameters the gradients of an open window."""
    saved = (checkpoint or {}).get(KEY, {}).get("gradients", {})
    for name, parameter in session.module.named_parameters():
        if name in saved:
            parameter.grad = session.strategy.restored_gradient(parameter, saved[name])


def _hyper_parameters(session: Session, checkpoint: dict[str, Any]) -> None:
    for prefix, owner in (("", session.module), ("datamodule_", session.datamodule)):
        hparams = getattr(owner, "hparams", None)
        if hparams:
            checkpoint[f"{prefix}hparams_name"] = getattr(owner, "_hparams_name", None)
            key = "hyper_parameters" if not prefix else "datamodule_hyper_parameters"
            rich = rich_hparams.described(
                {name: one for name, one in hparams.items() if not stays_object(one)}
            )
            whole = not isinstance(hparams, dict) and stays_object(hparams)
            checkpoint[key] = hparams if whole else plain(dict(hparams), elsewhere=rich)
            if rich:
                checkpoint.setdefault(rich_hparams.KEY, {})[key] = rich


def restore_model(session: Session, checkpoint: dict[str, Any]) -> None:
    """Give module, data module and callbacks their state, in Lightning's order."""
    module, trainer = session.module, session.trainer
    session.in_hook("on_load_checkpoint", module.on_load_checkpoint, checkpoint)
    try:
        session.strategy.load_module_state_dict(checkpoint["state_dict"], strict=bool(module.strict_loading))
    except RuntimeError as error:
        raise CheckpointError(
            f"{session.checkpoint_path} does not fit {type(module).__name__}: {error}"
        ) from error
    datamodule = session.datamodule
    if datamodule is not None and type(datamodule).__qualname__ in checkpoint:
        datamodule.load_state_dict(checkpoint[type(datamodule).__qualname__])
    if session.hooks.on_load_checkpoint:
        session.hooks.on_load_checkpoint(trainer, module, checkpoint)
    restore_callbacks(trainer.callbacks, checkpoint.get("callbacks") or {})


def restore_callbacks(callbacks: list[Any], states: dict[str, Any]) -> None:
    """Give callbacks their states by key; say which keys nobody has taken."""
    known = {}
    for callback in callbacks:
        key = getattr(callback, "state_key", type(callback).__qualname__)
        if key not in states:
            key = type(callback).__qualname__  # Lightning before 1.5 kept states by class
        known[key] = callback
        if key in states:
            callback.load_state_dict(states[key])
    unused = [str(key) for key in states if key not in known]
    if unused:
        warn(
            "callback-states",
            f"The checkpoint holds states of callbacks that this Trainer does not have: {listed(unused)}.",
        )


class WeightsOnlyError(CheckpointError, KeyError):
    """A file without optimizer states was to resume a fit."""


def restore_training(session: Session, checkpoint: dict[str, Any]) -> None:
    """Give precision, counters, optimizers, schedulers, metrics and random generators their state.

    Raises:
        leyden.errors.CheckpointError: the file holds weights only, or another number of optimizers.
    """
    precision, step = session.strategy.precision, session.step
    key = type(precision).__qualname__
    if key in checkpoint:
        precision.load_state_dict(checkpoint[key])
    for missing, what in (("optimizer_states", "optimizer"), ("lr_schedulers", "learning-rate scheduler")):
        if missing not in checkpoint:
            raise WeightsOnlyError(
                f"{session.checkpoint_path} holds no {what} states ({missing!r}): it was saved with weights only, and "
                "training cannot be resumed from it. Load it with load_from_checkpoint and start anew."
            )
    _matching("optimizer", checkpoint["optimizer_states"], step.optimizers)
    for optimizer, state in zip(step.optimizers, checkpoint["optimizer_states"], strict=True):
        session.strategy.load_optimizer_state(optimizer, state)
    _matching("learning-rate scheduler", checkpoint["lr_schedulers"], step.schedulers)
    for config, state in zip(step.schedulers, checkpoint["lr_schedulers"], strict=True):
        config.scheduler.load_state_dict(state)


def _matching(what: str, saved: list[Any], present: list[Any]) -> None:
    if len(saved) != len(present):
        raise CheckpointError(
            f"The checkpoint holds the state of {len(saved)} {what}(s), and configure_optimizers gives {len(present)}."
        )


def restore_progress(session: Session, checkpoint: dict[str, Any]) -> None:
    """Give counters and the place in the epoch their values, from Leyden's own key or from Lightning's loops."""
    state, own = session.state, checkpoint.get(KEY)
    if own is None:
        read_loops(session, checkpoint)
        return
    state.counters.load_state_dict(own["counters"])
    state.point = Point(own["point"])
    state.is_last_batch = bool(own["is_last_batch"])
    session.data.saved = own["loaders"]
    session.evaluation_counts.update(
        {(stage, loader): count for stage, loader, count in own["evaluation_counts"]}
    )
    session.metrics.load_state_dict(own["metrics"])
    session.step.accumulating = own["accumulating"]
    session.step.scheduler_steps = own["scheduler_steps"]


def restore_randomness(session: Session, checkpoint: dict[str, Any]) -> None:
    """Give the random generators their state, last of all, so that nothing draws from them afterwards."""
    own = checkpoint.get(KEY)
    if own is not None:
        set_rng_state(own["rng"])
        session.accelerator.set_rng_state(own["device_rng"])


def compare_plugins(session: Session, checkpoint: dict[str, Any]) -> None:
    """Say how the active plugins differ from those that wrote the checkpoint."""
    own = checkpoint.get(KEY)
    if own is None:
        return
    before = {tuple(one) for one in own["plugins"]}
    now = {tuple(one) for one in session.plugins_in_use()}
    gone, new = sorted(before - now), sorted(now - before)
    if gone or new:
        text = "; ".join(
            f"{what}: {', '.join(f'{name} {version}' for name, version in ones)}"
            for what, ones in (("no longer there", gone), ("new", new))
            if ones
        )
        warn("plugin-set", f"The checkpoint was written with other plugins ({text}).")
