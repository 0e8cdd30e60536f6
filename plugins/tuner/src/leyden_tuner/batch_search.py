"""The search for the largest batch size that fits into memory."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from leyden.api.combined import length
from leyden.api.data import evaluation_key
from leyden.api.loaders import BatchesOnly, flattened
from leyden.api.optimizers import Configured
from leyden.api.rank_zero import rank_zero_info
from leyden.api.warn import warn
from leyden.errors import ConfigurationError
from leyden.kernel import loop
from leyden.kernel.state import TrainerFn
from leyden_tuner.attributes import Attribute, found
from leyden_tuner.oom import is_out_of_memory, release_memory
from leyden_tuner.trial import fresh_counters, loaded, stage_of, trial, undone

if TYPE_CHECKING:
    from leyden.api.session import Session


@dataclass
class Plan:
    """How to search.

    Attributes:
        mode: ``"power"`` doubles until a size fails, ``"binsearch"`` then halves the interval.
        steps_per_trial: batches to run with each size.
        init_val: the first size.
        max_trials: sizes to try at most.
        batch_arg_name: the attribute that holds the size.
        margin: the part by which ``"binsearch"`` reduces what it has found.
        max_val: the largest size.
    """

    mode: str
    steps_per_trial: int
    init_val: int
    max_trials: int
    batch_arg_name: str
    margin: float
    max_val: int


class BatchSizeSearch:
    """One search on a running session.

    Args:
        session: the session.
        plan: how to search.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan = session, plan
        self.attribute = attribute(session, plan.batch_arg_name)
        self.samples: float = inf
        self.last_error: BaseException | None = None

    def run(self) -> int | None:
        """Search, leave the found size in the attribute, and put everything else back.

        Returns:
            The size; ``None`` under ``fast_dev_run``.

        Raises:
            leyden.errors.ConfigurationError: the loaders cannot be made anew, or not even one sample fits.
        """
        if self.session.trainer.fast_dev_run:
            warn("tuner-skipped", "fast_dev_run is on, so no batch size is searched for.")
            return None
        check(self.session)
        with undone(self.session):
            size = self._search()
        self.attribute.set(size)
        reload(self.session)
        rank_zero_info(f"{self.plan.batch_arg_name} is set to {size}.")
        return size

    def _search(self) -> int:
        with trial(self.session) as own:
            self.samples = samples(own)
        size, _ = self._next(self.plan.init_val, "")
        return self._power(size) if self.plan.mode == "power" else self._binary(size)

    def _power(self, size: int) -> int:
        """Double the size until one fails; from the last that did not, unless none did."""
        succeeded, failed = False, inf
        for count in range(1, self.plan.max_trials + 1):
            if self._fits():
                if count == self.plan.max_trials or size * 2 >= failed:
                    break
                size, changed = self._next(size * 2, "succeeded")
                if not changed:
                    break
                succeeded = True
            else:
                failed = size
                size, _ = self._next(self._smaller(size // 2), "failed")
                if succeeded:
                    break
        return size

    def _binary(self, size: int) -> int:
        """Double the size until one fails, then look between the two for the largest that does not."""
        low, high, count = 0, 0, 0
        while True:
            if self._fits():
                count, low = count + 1, size
                if count >= self.plan.max_trials or (high and high - low <= 1):
                    break
                size, changed = self._next((high + low) // 2 if high else size * 2, "succeeded")
                if not changed:
                    break
            else:
                high = size
                size, _ = self._next(self._smaller((high + low) // 2), "failed")
                if high - low <= 1:
                    break
        reduced = max(1, int(size * (1 - self.plan.margin)))
        if reduced != size:
            rank_zero_info(f"The margin of {self.plan.margin:.1%} reduces batch size {size} to {reduced}.")
        return reduced

    def _next(self, size: int, outcome: str) -> tuple[int, bool]:
        """The next size and whether it differs from the one that is set."""
        now = self.attribute.get()
        if now >= self.samples and outcome != "failed":
            rank_zero_info(f"Batch size {now} covers the dataset of {int(self.samples)} samples.")
            return int(now), False
        size = min(size, self.plan.max_val)
        if outcome and size != now:
            rank_zero_info(f"Batch size {now} {outcome}, next is {size}.")
        self.attribute.set(size)
        return size, size != now

    def _smaller(self, size: int) -> int:
        if size < 1:
            raise ConfigurationError(
                f"Not even {self.plan.batch_arg_name}=1 fits into memory. Use a smaller model or input."
            ) from self.last_error
        return size

    def _fits(self) -> bool:
        fresh_counters(self.session.trainer)
        try:
            self._attempt()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.last_error = type(error)(str(error))  # without the traceback, whose frames hold the tensors
        else:
            return True
        release_memory()
        return False

    def _attempt(self) -> None:
        session, steps = self.session, self.plan.steps_per_trial
        trainer = session.trainer
        if session.fn is TrainerFn.FITTING:
            trainer.limit_train_batches = 1.0
            if trainer.limit_val_batches:
                trainer.limit_val_batches = steps
            configured = Configured(session.step.optimizers, session.step.schedulers, [])
            with trial(session, configured=configured) as own:
                own.state.limits.max_steps = steps
                loop.fit(own)
        else:
            stage = stage_of(session)
            setattr(trainer, f"limit_{stage.dataloader_prefix}_batches", steps)
            with trial(session) as own:
                own.keep_predictions = False
                loop.evaluate(own, stage)


def attribute(session: Session, name: str) -> Attribute:
    """The attribute that holds the batch size.

    Raises:
        leyden_tuner.attributes.MissingAttributeError: there is none.
    """
    wanted = found(session.module, session.datamodule, (name,), "batch_arg_name")
    hparams: Any = getattr(session.module, "hparams", {})
    if hasattr(session.module, name) and name in hparams:
        warn(
            "batch-size-twice",
            f"Both the module and its hparams have {name!r}; the search sets both, and reads that of hparams.",
        )
    return wanted


def check(session: Session) -> None:
    """Refuse what a batch size cannot be searched for with.

    Raises:
        leyden.errors.ConfigurationError: several processes, loaders passed to the call, several loaders, or an engine.
    """
    if session.trainer.world_size > 1:
        raise ConfigurationError(
            f"The search for a batch size works with one process, and there are {session.trainer.world_size}. "
            "Search with devices=1."
        )
    if session.strategy.restore_after_setup:
        raise ConfigurationError(
            f"strategy={type(session.strategy).__name__} keeps weights in an engine of its own, which cannot be put "
            "back after a search. Search with another strategy."
        )
    given = [name for name, one in session.data.given.items() if one is not None]
    if given:
        raise ConfigurationError(
            f"The search for a batch size makes loaders anew, and the {given[0]} loader was passed to "
            f"Trainer.{session.fn}. Return it from {given[0]}_dataloader of the module or data module."
        )
    if session.fn is not TrainerFn.FITTING:
        prefix = stage_of(session).dataloader_prefix
        count = len(session.data.load_evaluation(stage_of(session)))
        if count > 1:
            raise ConfigurationError(
                f"The search for a batch size works with one loader, and {prefix}_dataloader gives {count}."
            )


def samples(session: Session) -> float:
    """How many samples the data have, as the loop passes over them; ``inf`` when nobody knows."""
    batches = loaded(session)
    if not batches:
        return inf
    loader = batches[0].loader
    sizes = [length(one.dataset) for one in flattened(loader) if hasattr(one, "dataset")]
    known = [one for one in sizes if one != inf]
    if not known:
        return inf
    smallest = isinstance(loader, BatchesOnly) and loader.combined.mode == "min_size"
    return min(known) if smallest else max(known)


def reload(session: Session) -> None:
    """Let the running call use loaders of the new batch size."""
    data = session.data
    if session.fn is TrainerFn.FITTING:
        if data.train is not None:
            data.load_train()
        data.evaluation.clear()
        return
    key = evaluation_key(session.fn, stage_of(session).dataloader_prefix)
    running = data.evaluation.pop(key, None)
    if running is not None:  # the pass that runs holds this list
        running[:] = data.load_evaluation(stage_of(session))
        data.evaluation[key] = running
