"""Advice on data and steps that Lightning gives as warnings: programs wait for it. Leyden alone is silent about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from leyden.api.data import TRANSFER_HOOKS
from leyden.api.data_hooks import DataHooks
from leyden.api.rank_zero import rank_zero_info
from leyden.api.warn import LeydenWarning, warn
from leyden.plugins.adapt import overridden
from leyden_lightning.utilities.data import suggested_max_num_workers


def on_training(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """``Data.load_train``, followed by advice on the loader that it built."""

    @wraps(load)
    def advised(data: Any) -> None:
        load(data)
        if data.train is not None:
            _on_loader(data, data.train.loader, "train_dataloader")
            _on_transfer(data)
            _on_interval(data.session.trainer, data.train.limit)
            _on_modes(data.session.module)

    return advised


def on_evaluation(load: Callable[[Any, Any], list[Any]]) -> Callable[[Any, Any], list[Any]]:
    """``Data.load_evaluation``, followed by advice on the loaders that it built."""

    @wraps(load)
    def advised(data: Any, stage: Any) -> list[Any]:
        found = load(data, stage)
        prefix, advised_on = stage.dataloader_prefix, vars(data).setdefault("_advised_on", {})
        if advised_on.get(prefix) is not found:  # what was built before is taken again
            advised_on[prefix] = found
            for one in found:
                _on_loader(data, one.loader, f"{prefix}_dataloader")
            _on_transfer(data)
        return found

    return advised


def on_loss(loss_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``steps.loss_of``, which says when a step returned nothing."""

    @wraps(loss_of)
    def advised(result: Any) -> Any:
        if result is None:
            _say("step-none", "training_step returned None: the batch trains nothing. Return the loss.")
        return loss_of(result)

    return advised


def on_end(fit_done: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The loop's ``fit_done``, which says which limit ends a fit, once."""

    @wraps(fit_done)
    def told(work: Any) -> bool:
        done = fit_done(work)
        if done:
            _say_limit(work.state)
        return done

    return told


def _say_limit(state: Any) -> None:
    for name, reached in (
        ("max_steps", state.counters.optimizer_steps),
        ("max_epochs", state.counters.epoch),
    ):
        limit = getattr(state.limits, name)
        if reached >= limit:
            text = f"The fit ends: {name}={limit} is reached."
            if state.extra.get("said_of_end") != text:
                state.extra["said_of_end"] = text
                rank_zero_info(text)
            return


def _on_loader(data: Any, loader: Any, name: str) -> None:
    useful = suggested_max_num_workers(data.session.trainer.num_devices)
    for one in getattr(getattr(loader, "combined", None), "flattened", [loader]):
        dataset = getattr(one, "dataset", None)
        if isinstance(dataset, IterableDataset) and hasattr(dataset, "__len__"):
            _say(
                "iterable-length",
                f"{type(dataset).__name__} of {name} states a length: with workers it may not hold.",
            )
        if isinstance(one, DataLoader) and one.num_workers < 2 <= useful:
            _say("few-workers", f"{name} has few workers. Give it num_workers={useful}.")


def _on_transfer(data: Any) -> None:
    module, source = data.session.module, data.session.datamodule
    if source is None or vars(data).get("_advised_on_transfer"):
        return
    vars(data)["_advised_on_transfer"] = True
    for hook in TRANSFER_HOOKS:
        if overridden(module, hook, DataHooks):
            both = overridden(source, hook, DataHooks)
            whose, used = ("both", "that of the data module") if both else ("the module", "it")
            _say(
                "transfer-hooks", f"{hook} of {whose} is defined, and there is a data module: {used} is used."
            )


def _on_interval(trainer: Any, batches: float) -> None:
    interval = trainer.log_every_n_steps
    if trainer.loggers and not trainer.fast_dev_run and batches < interval:
        _say(
            "log-interval",
            f"{batches} training batches and log_every_n_steps={interval}: an epoch may log no step.",
        )


def _on_modes(module: Any) -> None:
    resting = sum(not one.training for one in module.modules())
    if resting:
        _say("eval-mode", f"{resting} of the module's parts are in eval mode when training begins.")


def _say(identifier: str, text: str) -> None:
    warn(identifier, text, LeydenWarning, stacklevel=2)
