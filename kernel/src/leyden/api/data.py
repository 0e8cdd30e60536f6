"""Where a run's data comes from, and how much of it is used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from leyden.api.arguments import checked
from leyden.api.combined import length
from leyden.api.data_hooks import DataHooks
from leyden.api.errors_of_users import not_implemented
from leyden.api.loaders import (
    LoaderBatches,
    evaluation_loaders,
    limited,
    resumable,
    say_if_shuffled,
    training_loader,
    with_parts,
    without_batches,
    without_shuffling,
)
from leyden.api.ranks import translate_position
from leyden.api.resumable import ResumableLoader
from leyden.errors import UserCodeError
from leyden.interfaces.precision import Precision
from leyden.interfaces.strategy import Strategy
from leyden.kernel.state import Point, RunningStage, TrainerFn
from leyden.plugins.adapt import overridden
from leyden.plugins.catalogue import NAMES, catalogue
from leyden.plugins.errors import ConfigurationError

if TYPE_CHECKING:
    from leyden.api.collection import Collection
    from leyden.api.session import Session

TRANSFER_HOOKS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


class Data:
    """The loaders of a run.

    Args:
        session: the running session.
        given: loaders that the user passed to the call, by prefix (``train``, ``val``, ``test``, ``predict``).
    """

    def __init__(self, session: Session, given: dict[str, Any]) -> None:
        self.session = session
        self.given = given
        self.train: LoaderBatches | None = None
        self.evaluation: dict[str, list[LoaderBatches]] = {}
        self.loaded_in_epoch: dict[str, float] = {}
        self.saved: dict[str, Any] = {}
        self.before_sanity_check: list[dict[str, Any]] = []

    def defined(self, prefix: str) -> bool:
        """Whether there is data for a stage."""
        return self.given.get(prefix) is not None or self._owner(prefix) is not None

    def load_train(self) -> None:
        """Build the training loader."""
        session, trainer = self.session, self.session.trainer
        name = self._where("train")
        mode = session.state.extra.get("trainloader_mode", "max_size_cycle")
        loader = training_loader(self._source("train"), name, mode)
        keyword, limit = "limit_train_batches", trainer.limit_train_batches
        if trainer.overfit_batches > 0:
            keyword, limit = "overfit_batches", trainer.overfit_batches
            loader = without_shuffling(loader, keyword)
        whole, loader = loader, self._share(loader, training=True)
        count = limited(loader, limit, keyword)
        if count == 0 and limit:
            without_batches(name)
        source = resumable(loader, trainer.resumable_loader)
        self.train = LoaderBatches(
            loader, count, self._transfer(0), name, source, self._pass(session.metrics.train, None)
        )
        place = self.saved.pop("train", None)
        if place is not None:
            self.train.load_state_dict(place)
        elif places := self.saved.pop("places", None):
            self.train.go_on_from(places)
        if translate_position(session, whole, place) and count:
            self.train.limit_once(max(1, limited(loader, limit, keyword)))
        self.loaded_in_epoch["train"] = session.state.counters.epoch
        self._validation_interval(count)

    def load_evaluation(self, stage: RunningStage) -> list[LoaderBatches]:
        """Build (or take again) the loaders of an evaluating stage, each with its limit."""
        prefix, session = stage.dataloader_prefix, self.session
        key = evaluation_key(session.fn, prefix)
        if key not in self.evaluation:
            name = self._where(prefix)
            loaders = evaluation_loaders(self._source(prefix), name)
            if not loaders and (session.fn is not TrainerFn.FITTING or self.given.get(prefix) is not None):
                without_batches(name)
            for one in loaders:
                say_if_shuffled(one, f"{prefix}_dataloader")
            loaders = [self._share(one, training=False) for one in loaders]
            several = len(loaders) > 1
            collection = session.metrics.evaluation
            make = session.trainer.resumable_loader if session.fn is TrainerFn.FITTING else ResumableLoader
            self.evaluation[key] = [
                LoaderBatches(
                    loader,
                    self._limit(prefix, loader),
                    self._transfer(i),
                    name,
                    resumable(loader, make),
                    self._pass(collection, i if several else None),
                )
                for i, loader in enumerate(loaders)
            ]
            self.before_sanity_check = [one.source.state_dict(place=False) for one in self.evaluation[key]]
            for one, place in zip(self.evaluation[key], self.saved.pop(prefix, ()), strict=False):
                one.source.load_state_dict(place)
            self.loaded_in_epoch[prefix] = self._epoch_of_loading(stage)
        for one in self.evaluation[key]:
            one.handed = 0
        return self.evaluation[key]

    def _epoch_of_loading(self, stage: RunningStage) -> float:
        """The epoch that validation data counts as loaded in; none, for a sanity check before an epoch without any."""
        epoch, every = self.session.state.counters.epoch, self.session.state.limits.check_val_every_n_epoch
        trying = stage is RunningStage.SANITY_CHECKING
        return -inf if trying and every is not None and (epoch + 1) % every else epoch

    def _share(self, loader: Any, *, training: bool) -> Any:
        """This process's share of a loader, with several processes and unless the user says no.

        One process that goes on with what several began keeps their order.
        """
        strategy = self.session.strategy
        single = strategy.world_size == 1
        if (single and not self.session.shared) or not self.session.trainer.use_distributed_sampler:
            return loader
        shard: Callable[..., Any] = strategy.shard
        if single and type(strategy).shard is Strategy.shard:
            found = [one for one in catalogue().named(NAMES, "strategies.shard") if not one.obstacle]
            shard = partial(found[0].load(), rank=0, world_size=1) if found else shard
        return with_parts(loader, partial(shard, training=training))

    def end_workers(self) -> None:
        """After a failure, end the workers that loaders keep from epoch to epoch; a later pass starts them anew."""
        if self.session.state.status != "interrupted":
            return
        for one in (self.train, *(one for loaders in self.evaluation.values() for one in loaders)):
            if one is not None:
                one.source.end_workers()

    def state_dict(self) -> dict[str, Any]:
        """The place in the training data, and the generators of the validation loaders."""
        state, train = self.session.state, self.train
        running = state.point not in (Point.EPOCH_START, Point.EPOCH_END)
        evaluated = self.evaluation.get("val", ())
        found: dict[str, Any] = {"val": [one.source.state_dict(place=False) for one in evaluated]}
        if train is not None:
            found["train"] = train.state_dict(running, state.counters.batch)
        return found

    def under_way(self) -> str:
        """What a fit is in the middle of, so that one that resumes must do it again; empty between two of these."""
        state, train = self.session.state, self.train
        if state.stage is RunningStage.VALIDATING:
            begun = any(one.handed for one in self.evaluation.get("val", ()))
            return "a validation pass" if begun and state.point is Point.BATCH_END else ""
        begun = train is not None and train.handed > state.counters.batch
        return "a training batch" if begun and state.stage is RunningStage.TRAINING else ""

    def after_sanity_check(self) -> None:
        """Give the validation loaders' own generators what they had before it, and end workers that would live on."""
        for one, place in zip(self.evaluation.get("val", ()), self.before_sanity_check, strict=False):
            one.source.end_workers()
            one.source.load_state_dict(place)

    def start_epoch(self, fresh: bool) -> None:
        """Build the loaders anew when ``reload_dataloaders_every_n_epochs`` says so.

        Args:
            fresh: whether the epoch begins, rather than going on where a checkpoint left it.
        """
        if fresh and self.train is not None:
            self.train.begin_anew()
        every, epoch = (
            self.session.trainer.reload_dataloaders_every_n_epochs,
            self.session.state.counters.epoch,
        )
        if not every:
            return
        for prefix in ("train", "val"):
            if prefix in self.loaded_in_epoch and epoch - self.loaded_in_epoch[prefix] >= every:
                if prefix == "train":
                    self.load_train()
                else:
                    self.evaluation.pop("val", None)  # built anew when next validated

    def set_epoch(self, loader: Any, epoch: int) -> None:
        """Tell the epoch to whatever of a loader has ``set_epoch``: samplers, batch samplers, the data set, itself."""
        batches = getattr(loader, "batch_sampler", None)
        told = {id(one): one for one in (
            getattr(loader, "sampler", None),
            getattr(batches, "sampler", None),
            batches,
            getattr(loader, "dataset", None),
            loader,
        )}  # fmt: skip
        for one in told.values():
            tell = getattr(one, "set_epoch", None)
            if callable(tell):
                tell(epoch)
        for inner in getattr(getattr(loader, "combined", None), "flattened", ()):
            self.set_epoch(inner, epoch)

    def _owner(self, prefix: str) -> Any:
        """Who has the stage's dataloader hook: the data module before the module."""
        session = self.session
        hook = f"{prefix}_dataloader"
        return next(
            (
                one
                for one in (session.datamodule, session.module)
                if one is not None and overridden(one, hook, DataHooks)
            ),
            None,
        )

    def _source(self, prefix: str) -> Any:
        found = self.given.get(prefix)
        if found is not None:
            return found
        owner, hook = self._owner(prefix), f"{prefix}_dataloader"
        if owner is None:
            raise not_implemented(
                self.session.module, hook, "pass dataloaders, or a datamodule, to the Trainer's method"
            )
        return self.session.in_hook(hook, checked(owner, hook, DataHooks, 0) or getattr(owner, hook))

    def _where(self, prefix: str) -> str:
        if self.given.get(prefix) is not None:
            return (
                "train_dataloaders"
                if prefix == "train"
                else "val_dataloaders"
                if prefix == "val"
                else "dataloaders"
            )
        return f"{type(self._owner(prefix)).__name__}.{prefix}_dataloader"

    def _limit(self, prefix: str, loader: Any) -> float:
        trainer = self.session.trainer
        keyword = f"limit_{prefix}_batches"
        limit = getattr(trainer, keyword)
        if prefix == "val" and trainer.overfit_batches > 0:
            keyword, limit = "overfit_batches", trainer.overfit_batches
        count = limited(loader, limit, keyword)
        if limit and length(loader) == 0:
            without_batches(self._where(prefix))
        return count

    def _validation_interval(self, batches: float) -> None:
        session = self.session
        state, given = session.state, session.trainer.val_check_interval
        state.val_steps = optimizer_steps(given)
        state.val_seconds = seconds(given) if state.val_steps is None else None
        if isinstance(given, int) and not isinstance(given, bool):
            state.val_batch_interval = given
            if given > batches and session.validating and state.limits.check_val_every_n_epoch is not None:
                raise ConfigurationError.about(
                    "val_check_interval",
                    given,
                    f"at most the {int(batches)} training batches of an epoch",
                    "To count batches across epochs set check_val_every_n_epoch=None.",
                )
        elif isinstance(given, float):
            if batches == inf and given != 1.0:
                raise ConfigurationError.about(
                    "val_check_interval", given, "1.0 or an int, for a loader without a length"
                )
            state.val_batch_interval = inf if batches == inf or given == 0 else max(1, int(batches * given))

    def _pass(self, collection: Collection, loader: int | None) -> Callable[[], Collection]:
        """What a pass over a loader begins with: what is logged from now on belongs to batches, and to this loader."""
        results = self.session.metrics

        def begin() -> Collection:
            collection.loader, results.on_step = loader, True
            return collection

        return begin

    def _transfer(self, index: int) -> Callable[[Any], Any] | None:
        """What brings a batch to its device; ``None`` when it is there and nobody wants to see it."""
        session, strategy = self.session, self.session.strategy
        convert = strategy.precision.convert_input
        converts = type(strategy.precision).convert_input is not Precision.convert_input
        before, move, after = (self._transfer_hook(name) for name in TRANSFER_HOOKS)
        plain = move is None and type(strategy).batch_to_device is Strategy.batch_to_device
        here = plain and strategy.root_device.type == "cpu"
        if here and not converts and before is None and after is None:
            return None

        def through(name: str, hook: Callable[..., Any], batch: Any, *args: Any) -> Any:
            result = session.in_hook(name, hook, batch, *args)
            if result is None and batch is not None:
                raise UserCodeError(f"{name} returned None instead of the batch. Return the batch.")
            return result

        def transfer(batch: Any) -> Any:
            batch = convert(batch) if converts else batch
            if before is not None:
                batch = through(TRANSFER_HOOKS[0], before, batch, index)
            if move is not None:
                batch = through(TRANSFER_HOOKS[1], move, batch, strategy.root_device, index)
            elif not here:
                batch = strategy.batch_to_device(batch, strategy.root_device, index)
            return batch if after is None else through(TRANSFER_HOOKS[2], after, batch, index)

        return transfer

    def _transfer_hook(self, name: str) -> Callable[..., Any] | None:
        datamodule = self.session.datamodule
        count = 3 if name == "transfer_batch_to_device" else 2
        own = checked(datamodule, name, DataHooks, count) if datamodule is not None else None
        return own or checked(self.session.module, name, DataHooks, count)


def evaluation_key(fn: TrainerFn | None, prefix: str) -> str:
    """Where a stage's loaders are kept: those of ``validate`` apart from those of validation inside ``fit``."""
    return "validate" if prefix == "val" and fn is TrainerFn.VALIDATING else prefix


def optimizer_steps(interval: Any) -> int | None:
    """A validation interval given as ``"500 optimizer_steps"``; ``None`` for one that counts something else."""
    count, unit = interval.split() if isinstance(interval, str) and " " in interval else ("", "")
    return int(count) if unit == "optimizer_steps" else None


def seconds(interval: Any) -> float | None:
    """A validation interval given as time, in seconds; ``None`` for a count or fraction."""
    if isinstance(interval, timedelta):
        return interval.total_seconds()
    if isinstance(interval, dict):
        return timedelta(**interval).total_seconds()
    if isinstance(interval, str):
        days, hours, minutes, secs = (int(part) for part in interval.split(":"))
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=secs).total_seconds()
    return None
