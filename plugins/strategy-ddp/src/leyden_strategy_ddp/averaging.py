"""Post-local SGD: gradients averaged within groups, weights averaged over all every so many steps."""

from __future__ import annotations

from typing import Any, Self

from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager
from torch.optim import Optimizer

from leyden.errors import ConfigurationError

LOCAL = ("PostLocalSGDState",)
# By name: torch.distributed.optim is slow to import, and warns.
DISTRIBUTED = ("ZeroRedundancyOptimizer", "PostLocalSGDOptimizer", "DistributedOptimizer")


def _is(one: Any, names: tuple[str, ...]) -> bool:
    return any(cls.__name__ in names for cls in type(one).__mro__)


class Averaging:
    """Averages the weights after optimizer steps.

    Args:
        period: steps between two averagings.
        warm_up: steps before the first.

    Source: Lin et al., "Don't Use Large Mini-Batches, Use Local SGD", 2018 (torch's post-localSGD).
    """

    def __init__(self, period: int, warm_up: int) -> None:
        self.period, self.warm_up = period, warm_up

    @classmethod
    def of(cls, period: Any, state: Any) -> Self | None:
        """The averaging that a period and a communication hook's state ask for.

        Raises:
            leyden.errors.ConfigurationError: one is there without the other.
        """
        local = _is(state, LOCAL)
        if period is None:
            if local:
                remedy = "Without it the groups would drift apart."
                raise ConfigurationError.about(
                    "model_averaging_period", None, "an int of at least 1 with a PostLocalSGDState", remedy
                )
            return None
        if isinstance(period, bool) or not isinstance(period, int) or period < 1:
            raise ConfigurationError.about("model_averaging_period", period, "None or an int of at least 1")
        if not local:
            raise ConfigurationError.about(
                "model_averaging_period",
                period,
                "None without a PostLocalSGDState as ddp_comm_state",
                "With gradients that are averaged in every step, all weights are the same anyway.",
            )
        return cls(period, state.start_localSGD_iter)

    def follow(self, optimizers: list[Optimizer]) -> list[Any]:
        """Average after each step of these optimizers; returns the handles to end that.

        Raises:
            leyden.errors.ConfigurationError: one of them does such a thing itself.
        """
        for one in optimizers:
            if _is(one, DISTRIBUTED):
                raise ConfigurationError.about(
                    "model_averaging_period", self.period, f"None with {type(one).__name__}"
                )
        return [one.register_step_post_hook(self._hook()) for one in optimizers]

    def _hook(self) -> Any:
        averager = PeriodicModelAverager(period=self.period, warmup_steps=self.warm_up)

        def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            parameters = [one for group in optimizer.param_groups for one in group["params"]]
            averager.average_parameters(iter([one for one in parameters if one.grad is not None]))

        return after
