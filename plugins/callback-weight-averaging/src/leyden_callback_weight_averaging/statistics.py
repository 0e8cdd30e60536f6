"""A pass over the training data that updates nothing but the statistics of batch normalization."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class StatisticsStep:
    """Stands in for a session's step: runs ``training_step``, and neither differentiates nor updates.

    Args:
        step: the step whose place it takes; everything else is left to it.
    """

    accumulating = True

    def __init__(self, step: Any) -> None:
        self.step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self.step, name)

    def __call__(self, batch: Any, batch_idx: int) -> Any:
        """Run ``training_step`` in its scope; at the epoch's end, schedulers step as ever."""
        step = self.step
        result = step.in_hook("training_step", step.training_step, batch, batch_idx)
        if step.schedulers and step.state.is_last_batch:
            step.schedule("epoch", plateau=False)
        return result


def tracking(module: nn.Module) -> list[_BatchNorm]:
    """The batch normalizations that keep running statistics."""
    return [one for one in module.modules() if isinstance(one, _BatchNorm) and one.running_mean is not None]
