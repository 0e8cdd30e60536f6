"""``fast="auto"``: what is safe for the module at hand, verified, measured, and kept where it is faster."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import torch
from torch import Tensor

from leyden.api.steps import AutomaticStep
from leyden.api.warn import warn
from leyden_option_fast.comparison import Comparison
from leyden_option_fast.fused import STEPS, Fused
from leyden_option_fast.named import Named
from leyden_option_fast.technique import Technique, say

TURNS = 8
"""How many updates are measured with and without something."""

GAIN = 0.98
"""What takes more than this part of the time without it is not kept."""

PAYS = 1800.0
"""Seconds that a fit must still take for a compilation to be tried: one takes up to a minute, and may be in vain."""

Course = Generator[None, None, None]
Verdict = Generator[None, None, bool]


class Auto(Named):
    """Tries what is safe, one after the other, in the first updates of a fit.

    Args:
        candidates: makes what is tried, in this order; those for the run's device by default.
        pays: see :data:`PAYS`.
    """

    def __init__(
        self, candidates: Callable[[Any], Sequence[Technique]] | None = None, pays: float = PAYS
    ) -> None:
        super().__init__([])
        self.candidates, self.pays = candidates or for_device, pays
        self.picker: Picker | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to pick; where the step cannot be measured, take what needs no measuring."""
        reason = not_measured(trainer)
        if reason is None:
            self.picker = Picker(trainer, pl_module, self.candidates(trainer), self.running, self.pays)
            return
        fused = Fused(verify=True)
        say(f"nothing but fused optimizers is tried: {reason}.")
        self.running.append(fused)
        fused.begin(trainer, pl_module)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Turn everything off."""
        if self.picker is not None:
            self.picker.leave()
            self.picker = None
        super().teardown(trainer, pl_module, stage)


def for_device(trainer: Any) -> list[Technique]:
    """What is tried on the device of a run."""
    from leyden_option_fast.channels_last import ChannelsLast
    from leyden_option_fast.compiled import CompiledStep, CUDAGraphs
    from leyden_option_fast.prefetch import Prefetch

    alone = trainer.strategy.world_size == 1
    graphs = trainer.strategy.root_device.type == "cuda" and alone
    compiled = CUDAGraphs(optimizer=False) if graphs else CompiledStep(optimizer=False)
    return [Prefetch(), ChannelsLast(), Fused(verify=True), compiled]


def not_measured(trainer: Any) -> str | None:
    """Why the steps of a run are not measured; ``None`` when they are."""
    step = trainer.running.step
    if type(step) is not AutomaticStep:
        return "manual optimization, or a step scheme that is not the kernel's"
    if step.needs_closure:
        return "the optimizer, or the module's optimizer_step, drives the step"
    if torch.are_deterministic_algorithms_enabled():
        return "deterministic runs must not depend on what was measured"
    if step.scale is not None:
        return "the loss is scaled"
    return None


class Picker:
    """Goes through the candidates in the first updates of a fit, and then leaves the step as it was.

    It stands in for two verbs of the step meanwhile, ``gradients`` and ``step``, to compare and to measure them.

    Args:
        trainer: whose fit it is.
        module: the module.
        candidates: what is tried.
        running: what is turned on; candidates that stay are among them.
        pays: see :data:`PAYS`.
    """

    def __init__(
        self,
        trainer: Any,
        module: Any,
        candidates: Sequence[Technique],
        running: list[Technique],
        pays: float,
    ) -> None:
        self.trainer, self.module, self.candidates, self.running = trainer, module, candidates, running
        self.pays = pays
        self.agreed = trainer.strategy.reduce_boolean_decision
        self.on_gpu = trainer.strategy.root_device.type == "cuda"
        self.step: Any = trainer.running.step
        self.spent: dict[str, float] = {}
        self.compare = False
        self.failure: str | None = None
        self.updates: list[float] = []
        self._last = time.perf_counter()
        self.course = self._course()
        vars(self.step).update(gradients=self._gradients, step=self._update)

    def leave(self) -> None:
        """Give the step its verbs back."""
        vars(self.step).pop("gradients", None)
        vars(self.step).pop("step", None)

    # -- what stands in for the step's verbs ---------------------------------------------------------------------

    def _gradients(self, batch: Any, batch_idx: int, window: int) -> Tensor | None:
        if self.step.state.counters.batch % window == 0:
            self.updates.append(time.perf_counter() - self._last)
            if next(self.course, self) is self:
                self.leave()
            self.spent = {}
            self._last = time.perf_counter()
        if self.compare:
            self.compare = False
            return self._compared(batch, batch_idx, window)
        result: Tensor | None = self._timed(
            "gradients", lambda: AutomaticStep.gradients(self.step, batch, batch_idx, window)
        )
        return result

    def _update(self) -> None:
        self._timed("update", lambda: AutomaticStep.step(self.step))

    def _timed(self, part: str, call: Callable[[], Any]) -> Any:
        self._wait()
        began = time.perf_counter()
        result = call()
        self._wait()
        self.spent[part] = self.spent.get(part, 0.0) + time.perf_counter() - began
        return result

    def _wait(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()

    def _compared(self, batch: Any, batch_idx: int, window: int) -> Tensor | None:
        try:
            comparison = Comparison(self.trainer.running, batch, batch_idx)
        except (
            Exception
        ) as error:  # whatever the module holds that cannot be copied, or is not right in a copy
            self.failure = (
                f"a copy of the module could not take the same step ({type(error).__name__}: {error})"
            )
            return AutomaticStep.gradients(self.step, batch, batch_idx, window)
        with comparison.watch(window):
            loss = AutomaticStep.gradients(self.step, batch, batch_idx, window)
        comparison.compare_loss(None if loss is None else loss * window)
        if not comparison.equal:
            self.failure = (
                f"loss and gradients differed by {comparison.worst:.2g} from those of the ordinary step"
            )
        return loss

    # -- the course: each turn of these generators is one update -------------------------------------------------

    def _course(self) -> Course:
        for _ in range(STEPS):
            yield  # the first updates are slower than others
        kept = []
        for one in self.candidates:
            reason = one.obstacle(self.trainer, self.module) or self._too_short(one)
            if reason is not None:
                say(f"{one.name} is not used: {reason}.")
                continue
            self.running.append(one)
            one.begin(self.trainer, self.module)
            if one.part == "data" or ((yield from self._verified(one)) and (yield from self._quicker(one))):
                kept.append(one.name)
            else:
                self.running.remove(one)
                one.end()
        say(f"from here on the fit uses {' and '.join(kept) or 'nothing that was tried'}.")

    def _too_short(self, one: Technique) -> str | None:
        """Why a compilation does not pay."""
        if not hasattr(one, "backend"):
            return None
        left = self.trainer.estimated_stepping_batches - self.trainer.global_step
        seconds = left * statistics.median(self.updates[1:])
        if self.agreed(seconds >= self.pays):
            return None
        return f"the fit takes another {seconds:.0f} s, and a compilation is tried where it takes {self.pays:.0f} s"

    def _verified(self, one: Technique) -> Verdict:
        for _ in range(STEPS):
            self.compare, self.failure = one.part == "gradients", None
            yield
            if not self.agreed(self.failure is None):
                why = self.failure or "another process found a difference"
                warn("fast-fallback", f"fast: {one.name} is not used from here on: {why}.")
                return False
        return not getattr(one, "given_up", False)

    def _quicker(self, one: Technique) -> Verdict:
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(2 * (TURNS + 1)):
            on = turn % 2 == 0
            one.switch(on)
            yield
            seconds[on].append(self.spent.get(one.part, 0.0))
        one.switch(True)
        quick, plain = (statistics.median(seconds[on][1:]) for on in (True, False))
        faster = bool(self.agreed(quick <= GAIN * plain))
        told = f"{one.name}: {one.part} take {quick * 1e6:.0f} µs instead of {plain * 1e6:.0f}"
        say(f"{told}; it is {'kept' if faster else 'not kept'}.")
        return faster
