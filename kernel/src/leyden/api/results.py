"""Logged values: kept as tensors, reduced in blocks, read by loggers, bars and monitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from leyden.api.collection import Collection
from leyden.api.entry import BLOCK, Entry, computed, of_several, version_of
from leyden.api.log_rules import check_batch_size, check_value, levels, position
from leyden.api.metric_states import load_metric_states, metric_paths, metric_states
from leyden.api.record import Record
from leyden.api.shared_metrics import shared
from leyden.api.warn import warn
from leyden.kernel.state import RunningStage
from leyden.plugins.errors import ConfigurationError

if TYPE_CHECKING:
    from leyden.api.session import Session


NOTHING: Mapping[int, Tensor] = {}


class Results:
    """Everything that ``self.log`` feeds: three views, the loggers, and the age of each metric.

    Attributes:
        active: whether anything was logged in this run.
        callback: metrics for those who monitor.
        logged: metrics as the loggers get them.
        bar: numbers for the progress bar.
        axes: the x-axes that were chosen, by the name that loggers get.
        pending: calls of ``self.log`` in compiled code, with the hooks they were made in, until :meth:`drain`.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.state = session.state
        self.counters = session.state.counters
        self.active = False
        self.enabled = not session.trainer.barebones
        self.train = Collection(training=True)
        self.evaluation = Collection(training=False)
        self.current = self.train
        self.on_step = True
        self.callback: dict[str, Tensor] = {}
        self.logged: dict[str, Tensor] = {}
        self.bar: dict[str, float] = {}
        self.born: dict[str, int] = {}
        self.axes: dict[str, str] = {}
        self.pending: list[tuple[str | None, str, Any, int | None, tuple[Any, ...]]] = []

    # -- writing -------------------------------------------------------------------------------------------------

    def log(
        self,
        name: str,
        value: Any,
        batch_size: int | None,
        arguments: tuple[Any, ...],
        *,
        owned: bool = False,
    ) -> None:
        """Take one value; see ``LightningModule.log``. About ten interpreter calls when the key is known.

        Args:
            name: the name.
            value: the value.
            batch_size: samples in the batch, if given.
            arguments: the other arguments, in the order of ``log_rules.NAMES``.
            owned: nobody else changes the value in place.
        """
        current = self.current
        entry = current.entries.get((self.state.hook, name, current.loader))
        if entry is None or entry.arguments != arguments:
            entry = self._declare(name, value, arguments, entry, owned)
            if entry is None:
                return
        if entry.metric is not None:
            entry.last, entry.batch, entry.fresh = value._forward_cache, self.counters.batches, True
            entry.count += 1
            return
        entry.batch, entry.fresh = self.counters.batches, True
        if value.__class__ is not float:
            if not isinstance(value, Tensor):
                value, entry.version = check_value(name, value), 0
            elif not arguments[5]:
                if value.__class__ is Tensor and value.dtype is torch.float32 and value.is_cpu:
                    # On the CPU nothing is waited for. A number costs 0.15 µs where detach costs 0.35, and stacks
                    # without a view of each: 20 metrics a step cost 1.35 of the loop by hand before, 1.32 after.
                    try:
                        value, version = value.item(), 0
                    except RuntimeError as error:
                        raise of_several(value, name) from error
                elif owned:
                    value, version = value.detach(), version_of(value)
                elif entry.copy or value.grad_fn is None:
                    # What has no graph may be a buffer or a parameter, which change in place: those are copied.
                    value, version = value.detach().clone(), 0
                else:
                    value, version = value.detach(), value._version
                entry.versions += version
                entry.version = version
        entry.last = value
        entry.count += 1
        if entry.on_epoch:
            entry.values.append(value)
            if entry.reduce == "mean":
                if batch_size is None:
                    batch_size = current.size or current.batch_size(name)
                elif batch_size.__class__ is not int or batch_size < 1:
                    batch_size = check_batch_size(name, batch_size)
                entry.weights.append(batch_size)
            if entry.count >= BLOCK:
                entry.fold()

    def drain(self) -> None:
        """Take what compiled code logged since the last time, each in the hook it was logged in."""
        pending, self.pending = self.pending, []
        outer = self.state.hook
        try:
            for hook, name, value, batch_size, arguments in pending:
                self.state.hook = hook
                # the next replay of a CUDA graph writes its outputs anew
                owned = not (isinstance(value, Tensor) and value.is_cuda)
                self.log(name, value, batch_size, arguments, owned=owned)
        finally:
            self.state.hook = outer

    def _declare(
        self, name: str, value: Any, arguments: tuple[Any, ...], known: Entry | None, owned: bool
    ) -> Entry | None:
        if not self.enabled:
            warn("log-barebones", "self.log does nothing under barebones=True.")
            return None
        if isinstance(value, Mapping):
            check_value(name, value)
        if known is not None and known.resumed:
            known.arguments, known.resumed, known.axis = arguments, False, arguments[11]
            self._place(known)
            return known
        if known is not None:
            raise ConfigurationError(
                f"self.log({name!r}, …) was called in {self.state.hook} with other arguments than "
                "before. A name has one "
                "set of arguments in one hook: use another name."
            )
        on_step, on_epoch = levels(self.state.hook, name, arguments)
        current = self.current
        loader = current.loader if arguments[8] else None
        entry = Entry(name, arguments, on_step, on_epoch, loader)
        entry.home = current.loader
        if hasattr(value, "_forward_cache") and hasattr(value, "compute"):
            entry.metric = self._owned(name, value, arguments[9])
        elif not isinstance(value, int | float):
            check_value(name, value)
        current.entries[(self.state.hook, name, current.loader)] = entry
        current.stepwise = current.stepwise or on_step
        self._place(entry)
        self.active = True
        return entry

    def _place(self, entry: Entry) -> None:
        for phase in ("step", "epoch"):
            if entry.axis is not None:
                self.axes[entry.names(phase)[1]] = entry.axis
            elif self.axes:
                self.axes.pop(entry.names(phase)[1], None)

    def _owned(self, name: str, metric: Any, attribute: str | None) -> Any:
        if attribute is not None and getattr(self.session.module, attribute, None) is not metric:
            raise ConfigurationError.about(
                "self.log(metric_attribute)", attribute, "the name of the attribute that holds the metric"
            )
        if attribute is None and not any(one is metric for one in self.session.module.modules()):
            others = [
                path
                for path, one in self.session.module.named_modules()
                if hasattr(one, "_forward_cache") and hasattr(one, "compute")
            ]
            raise ConfigurationError(
                f"self.log({name!r}, metric): the metric is no attribute of "
                f"{type(self.session.module).__name__}{f' (its metrics: {others})' if others else ''}, so its "
                "state would not be moved or reset with it. Make it one in __init__, or pass metric_attribute."
            )
        return metric

    # -- reading -------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the views up to what was logged."""
        self.gather(self.current, "step" if self.on_step else "epoch")

    def share(self, collection: Collection, phase: str, *, always: bool = False) -> dict[int, Tensor]:
        """Reduce what was logged with ``sync_dist=True`` over all processes: one collective, to which all must come.

        Reading the views never communicates: until this is called they hold this process's own values.

        Args:
            collection: whose entries.
            phase: ``step`` or ``epoch``.
            always: take part even if this process has logged nothing, for points to which all come anyway.

        Returns:
            The values of the step by the entries' ids; those of the epoch are kept in the entries.
        """
        strategy = self.session.strategy
        if strategy.world_size == 1 or strategy.alone:
            return {}
        groups: dict[int, tuple[Any, dict[str, Entry]]] = {0: (None, {})} if always else {}
        for (hook, name, loader), entry in collection.entries.items():
            if entry.home != collection.loader:
                continue
            if entry.metric is not None and phase == "epoch" and entry.on_epoch:
                entry.shared = computed(entry.metric, entry.name)
            elif (
                entry.sync
                and entry.metric is None
                and (phase == "step" or entry.shared is None or entry.values)
            ):
                named = groups.setdefault(0 if entry.group is None else id(entry.group), (entry.group, {}))[1]
                named[f"{hook} {name} {loader}"] = entry
        found: dict[int, Tensor] = {}
        for group, named in groups.values():
            parts = {name: part for name, one in named.items() if (part := one.part(phase, self.session))}
            if parts or (always and group is None):
                for name, value in shared(strategy, parts, group).items():
                    found[id(named[name])] = value
                    if phase == "epoch":
                        named[name].shared = value
        return found

    def settle(self) -> None:
        """Training is interrupted: bring the views up to what was logged, over all processes."""
        phase = "step" if self.on_step else "epoch"
        self.gather(self.current, phase, self.share(self.current, phase) if self.on_step else NOTHING)

    def share_epoch(self) -> None:
        """Reduce what was logged in the hooks of a training epoch's end."""
        self.share(self.train, "epoch")

    def gather(
        self, collection: Collection, phase: str, known: Mapping[int, Tensor] = NOTHING
    ) -> dict[str, Tensor]:
        """Take the values of a phase (``step`` or ``epoch``) into the views; returns those for the loggers.

        Args:
            collection: whose entries.
            phase: ``step`` or ``epoch``.
            known: values of the step over all processes, from :meth:`share`.
        """
        if self.pending:
            self.drain()
        found: dict[str, Tensor] = {}
        for entry in collection.entries.values():
            if entry.last is None and entry.total is None and entry.metric is None:
                continue
            if entry.home != collection.loader:
                continue
            value = known.get(id(entry)) if known else None
            value = self._value(entry, phase) if value is None else value
            if value is None:
                continue
            plain, forked = entry.names(phase)
            if entry.logger:
                found[forked] = value
            if phase == "step" and not entry.fresh and id(entry) not in known:
                continue
            entry.fresh = False
            if entry.logger:
                self.logged[forked] = value
            if collection.training or phase == "epoch":
                self.callback[plain] = self.callback[forked] = value
                self.born[plain] = self.born[forked] = entry.batch
            if entry.prog_bar:
                self.bar[forked] = value.item()
        return found

    def _value(self, entry: Entry, phase: str) -> Any:
        if phase == "step":
            return entry.step_value(self.session) if entry.on_step else None
        return entry.epoch_value(self.session) if entry.on_epoch else None

    # -- what the loops tell -------------------------------------------------------------------------------------

    def start(self, collection: Collection) -> None:
        """A phase begins: what is logged from now on belongs to it."""
        self.current = collection
        self.on_step = False

    def next_batch(self, batch: Any, loader: int | None = None) -> None:
        """A batch begins."""
        current = self.current
        current.batch, current.size, current.loader = batch, None, loader
        self.on_step = True

    def batch_end(self) -> None:
        """A training batch's hooks are over: write its step values when logging is due."""
        if self.state.should_stop:
            self.session.agree("a stop")
        if self.due():
            known = self.share(self.train, "step")
            self.write(self.gather(self.train, "step", known), self.state.counters.updates)

    def due(self) -> bool:
        """Whether the running batch is written: it stepped, and it is its turn or the run is stopping."""
        session = self.session
        if session.step.accumulating:
            return False
        every = session.trainer.log_every_n_steps
        if every > 0 and (self.counters.updates + 1) % every == 0:
            return True
        return self.state.should_stop or bool(session.trainer.fast_dev_run)

    def epoch_end_reached(self) -> None:
        """The batches of a training epoch are done; from here on values are those of the epoch."""
        self.session.end_batches()
        self.gather(self.train, "step", self.share(self.train, "step"))
        self.share(self.train, "epoch", always=True)
        self.start(self.train)

    def epoch_end(self) -> None:
        """The hooks of a training epoch's end are over: write its values and forget them."""
        self.share(self.train, "epoch")
        self.write(self.gather(self.train, "epoch"), self.state.counters.updates - 1)
        self.train.reset()

    def write(self, metrics: dict[str, Tensor], step: int, *, with_epoch: bool = True) -> None:
        """Hand metrics to the loggers.

        Args:
            metrics: scalar tensors by name; one called ``step`` replaces the x-axis.
            step: the x-axis.
            with_epoch: whether the epoch is shown beside them; evaluation steps have an x-axis of their own instead.
        """
        hooks, session, counters = self.session.hooks, self.session, self.state.counters
        if not metrics:
            return
        if session.strategy.is_global_zero and hooks.leyden_log_metrics:
            numbers = to_numbers(metrics)
            named = numbers.pop("step", None) if with_epoch else None
            axis = int(step if named is None else named)
            with_epoch = with_epoch and named is None
            names = {name: self.axes[name] for name in numbers if name in self.axes} if self.axes else {}
            own = {"step": axis, "epoch": counters.epoch, "batch": counters.batches}
            axes = {name: position(name, on, {**self.logged, **own, **numbers}) for name, on in names.items()}
            record = Record(
                numbers, axis, counters.epoch, counters.batches, self.phase(), with_epoch, axes, names
            )
            hooks.leyden_log_metrics(session.trainer, session.module, record)

    def clear(self) -> None:
        """Forget everything (a run begins, or the sanity check is over)."""
        self.callback, self.logged, self.bar, self.born, self.axes = {}, {}, {}, {}, {}
        self.pending = []
        self.train.reset()
        self.evaluation.reset()

    def freeze(self) -> None:
        """The run is over: keep the views as they are."""
        self.refresh()
        self.train.entries, self.evaluation.entries = {}, {}

    def state_dict(self) -> dict[str, Any]:
        """The accumulators of the running training epoch, and the views, for exact resume."""
        paths = metric_paths(self.session.module)
        entries = [
            [*key, {**one.state_dict(), "metric": paths.get(id(one.metric))}]
            for key, one in self.train.entries.items()
        ]
        return {
            "objects": metric_states(self.session.module),
            "train": entries,
            "callback": dict(self.callback),
            "logged": dict(self.logged),
            "born": dict(self.born),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self.callback.update(state["callback"])
        self.logged.update(state["logged"])
        self.born.update(state["born"])
        self.active = self.active or bool(state["train"])
        module = self.session.module
        load_metric_states(module, state["objects"])
        for hook, name, loader, values in state["train"]:
            entry = Entry.of_state(name, values)
            entry.metric = None if values["metric"] is None else module.get_submodule(values["metric"])
            self.train.entries[(hook, name, loader)] = entry
            self._place(entry)

    def phase(self) -> str:
        """The phase that a record belongs to."""
        stage = self.state.stage
        return str(RunningStage.VALIDATING if stage is RunningStage.SANITY_CHECKING else stage)


def to_numbers(metrics: Mapping[str, Tensor]) -> dict[str, float]:
    """Scalar tensors as numbers, with one wait for each device."""
    if not metrics:
        return {}
    values = list(metrics.values())
    if len({(one.device, one.dtype) for one in values}) == 1 and len(values) > 1:
        return dict(zip(metrics, torch.stack(values).tolist(), strict=True))
    return {name: value.item() for name, value in metrics.items()}
