"""Automatic optimization with several optimizers, and truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from leyden.api.arguments import positional
from leyden.api.optimizers import Configured, LRSchedulerConfig, toggle, untoggle
from leyden.api.steps import AutomaticStep, wants_closure
from leyden.errors import ConfigurationError, UserCodeError
from leyden_legacy.outputs import detached
from leyden_legacy.signatures import INDEX
from leyden_legacy.splits import split

if TYPE_CHECKING:
    from leyden.api.session import Session


class LegacyStep(AutomaticStep):
    """Each batch runs one cycle of forward, backward and update for each optimizer, as Lightning 1.9 did it.

    While an optimizer's turn lasts, only its parameters require gradients. With frequencies the optimizers alternate:
    ``frequency`` batches of the epoch each, then the next one.

    Args:
        session: the running session.
        configured: the module's optimizers, their frequencies, and schedulers.

    Attributes:
        optimizer_idx: the optimizer whose turn it is.

    Raises:
        leyden.errors.UserCodeError: ``training_step`` takes no ``optimizer_idx``, and there are several optimizers.
        leyden.errors.ConfigurationError: a frequency is no int of at least 1.
    """

    def __init__(self, session: Session, configured: Configured) -> None:
        super().__init__(session, configured)
        self.several = len(self.optimizers) > 1
        self.frequencies = _checked(configured.frequencies)
        self.closures = self._closures()
        self.active: list[int] = []
        self.hiddens: Any = None
        self.training_step = self._bound()

    def take_optimizers(self, optimizers: Sequence[Optimizer]) -> None:
        """Go on with other optimizers."""
        super().take_optimizers(optimizers)
        self.closures = self._closures()

    def _closures(self) -> list[bool]:
        """Which optimizers are handed their closure."""
        return [bool(self.own_step) or wants_closure(one) for one in self.optimizers]

    def _bound(self) -> Any:
        """``training_step`` as a callable of batch and batch index; the rest is this object's state."""
        call = self.session.strategy.bind_step("training_step")
        names, _, rest = positional(self.module.training_step)
        index = next((one for one in names[1:] if one in INDEX), None)
        index = index or next((one for one in names[2:3] if one != "hiddens"), None)
        if self.several and index is None and not rest:
            raise UserCodeError(
                f"configure_optimizers returned {len(self.optimizers)} optimizers, and "
                f"{type(self.module).__name__}.training_step takes ({', '.join(names)}): in automatic optimization "
                "it needs optimizer_idx. Add it, or set self.automatic_optimization = False and step them in "
                "training_step."
            )
        takes_hiddens, takes_index = (
            "hiddens" in names,
            "batch_idx" in names or names[1:2] not in ([index], []),
        )

        def step(batch: Any, batch_idx: int) -> Any:
            further = {} if index is None else {index: self.optimizer_idx}
            if takes_hiddens:
                further["hiddens"] = self.hiddens
            if rest and index is None:
                return call(batch, batch_idx, self.optimizer_idx)
            return call(batch, batch_idx, **further) if takes_index else call(batch, **further)

        return step

    def __call__(self, batch: Any, batch_idx: int) -> Any:
        """One batch: for each optimizer whose turn it is, the cycle of :class:`~leyden.api.steps.AutomaticStep`.

        Returns:
            What ``training_step`` returned, in lists for each split of the batch and each of several optimizers.
        """
        window, counters = self.trainer.accumulate_grad_batches, self.state.counters
        closes = window == 1 or self.state.is_last_batch or (counters.batch + 1) % window == 0
        self.accumulating = not closes
        self.active = self._turns(batch_idx)
        steps = getattr(self.module, "truncated_bptt_steps", 0) or self.trainer.run_state.extra.get(
            "tbptt", 0
        )
        self.hiddens = None
        results = []
        for part in split(self.module, batch, steps) if steps else [batch]:
            results.append([self._turn(index, part, batch_idx, window) for index in self.active])
        if self.schedulers:
            self.after_update(closes)
        if closes and self.hooks.leyden_update_end:
            self.hooks.leyden_update_end(self.trainer, self.module, batch_idx)
        found = results if self.several else [one[0] for one in results]
        return found if steps else found[0]

    def _turns(self, batch_idx: int) -> list[int]:
        """The optimizers of a batch: all, or the one whose turn it is in the cycle of frequencies."""
        if not self.frequencies:
            return list(range(len(self.optimizers)))
        place = batch_idx % sum(self.frequencies)
        ends = accumulate(self.frequencies)
        return [next(index for index, end in enumerate(ends) if place < end)]

    def _turn(self, index: int, batch: Any, batch_idx: int, window: int) -> Any:
        """forward → zero → backward → unscale → clip → step of one optimizer."""
        self.optimizer_idx, self.optimizer = index, self.optimizers[index]
        self.result = None
        if self.several:
            toggle(self.module, self.optimizer)
        try:
            if self.accumulating and not self.strategy.handles_gradient_accumulation:
                with self.strategy.no_sync():
                    self.gradients(batch, batch_idx, window)
            elif self.closures[index]:
                self.step_through_user(batch, batch_idx, window)
            else:
                self.gradients(batch, batch_idx, window)
                self.before_step(self.optimizer)
                self.step()
                self.state.counters.optimizer_steps += 1
        finally:
            if self.several:
                untoggle(self.module)
        if isinstance(self.result, Mapping) and "hiddens" in self.result:
            self.hiddens = detached(self.result["hiddens"])
        return self.result

    def closure_not_called(self) -> None:
        """An override of ``optimizer_step`` may leave an optimizer out of a batch."""

    def _step_scheduler(self, config: LRSchedulerConfig) -> None:
        """Step a scheduler when its optimizer had its turn in this batch."""
        owner = getattr(config.scheduler, "optimizer", None)
        index = next((at for at, one in enumerate(self.optimizers) if one is owner), None)
        if index is None or index in self.active:
            self.optimizer_idx = index or 0
            super()._step_scheduler(config)

    def outputs(self, result: Any) -> Any:
        """What each optimizer's step returned, in a list where there are several; those that skipped are left out."""
        if isinstance(result, list):
            return [kept for one in result if (kept := self.outputs(one))]
        shown: dict[str, Any] = super().outputs(result)
        shown.pop("hiddens", None)
        return shown


def _checked(frequencies: list[Any]) -> list[int]:
    for one in frequencies:
        if isinstance(one, bool) or not isinstance(one, int) or one < 1:
            raise ConfigurationError.about(
                "configure_optimizers: 'frequency'", one, "an int of at least 1 (batches)"
            )
    return frequencies
