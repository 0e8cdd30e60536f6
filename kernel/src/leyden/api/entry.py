"""One logged name: its values, and how they are reduced."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from leyden.api.log_rules import reduction
from leyden.api.warn import warn
from leyden.errors import UserCodeError
from leyden.plugins.errors import shown

if TYPE_CHECKING:
    from leyden.api.session import Session

BLOCK = 256
REDUCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": torch.sum,
    "sum": torch.sum,
    "max": torch.amax,
    "min": torch.amin,
}
_JOIN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": torch.add,
    "sum": torch.add,
    "max": torch.maximum,
    "min": torch.minimum,
}


class Entry:
    """One name logged in one hook.

    Tensors are appended detached and not copied; only when a block is full, or somebody reads, are they stacked and
    reduced, so that logging costs no kernel launch and no wait for the device.
    """

    __slots__ = (
        "arguments", "axis", "batch", "copy", "count", "fork", "fresh", "group", "home", "last", "loader", "logger",
        "metric", "name", "on_epoch", "on_step", "prog_bar", "reduce", "resumed", "shared", "sync", "total", "values",
        "version", "versions", "weight", "weights",
    )  # fmt: skip

    def __init__(
        self, name: str, arguments: tuple[Any, ...], on_step: bool, on_epoch: bool, loader: int | None
    ) -> None:
        self.name, self.arguments = name, arguments
        self.on_step, self.on_epoch = on_step, on_epoch
        self.fork = on_step and on_epoch
        self.prog_bar = bool(arguments[0])
        self.logger = arguments[1] is not False
        self.reduce = reduction(arguments[4])
        self.sync = bool(arguments[6]) and not arguments[10]
        self.group = arguments[7]
        self.axis: str | None = arguments[11]
        self.loader = self.home = loader
        self.metric: Any = None
        self.copy = self.resumed = False
        self.reset()

    def reset(self) -> None:
        """Forget the values of an epoch."""
        self.values: list[Any] = []
        self.weights: list[int] = []
        self.count = self.version = self.versions = self.batch = 0
        self.last: Any = None
        self.fresh = False
        self.total: Tensor | None = None
        self.shared: Any = None
        self.weight = 0

    def fold(self) -> None:
        """Reduce the pending values into the total."""
        if self.values:
            block = stacked(self.values, self.name)
            if self.versions != sum(map(version_of, self.values)):
                self._changed_in_place()
            if self.weights:
                weights = torch.tensor(self.weights, dtype=block.dtype, device=block.device)
                block = block * weights
                self.weight += sum(self.weights)
            part = REDUCTIONS[self.reduce](block)
            self.total = part if self.total is None else _JOIN[self.reduce](self.total, part)
            self.values, self.weights, self.count, self.versions = [], [], 0, 0

    def _changed_in_place(self) -> None:
        self.copy = True
        warn(
            "log-inplace",
            f"A tensor logged as {self.name!r} was changed in place after self.log, so the changed "
            "value was counted in "
            f"up to {BLOCK} batches. From now on its value is copied; log a clone() of it to be exact from the start.",
        )

    def step_value(self, session: Session) -> Any:
        """The value of the last batch, a tensor; ``None`` when there is none."""
        if self.metric is not None:
            return self.last
        if self.last is None:
            return None
        if version_of(self.last) != self.version:
            self._changed_in_place()
            self.version = version_of(self.last)
        return as_tensor(self.last, session.module.device)

    def epoch_value(self, session: Session) -> Any:
        """The values reduced so far, a tensor; ``None`` when there are none.

        Over all processes once that was done, see :meth:`Results.share`; until then, a metric object has none.
        """
        if self.shared is not None:
            return self.shared
        if self.metric is not None:
            alone = session.strategy.world_size == 1 or session.strategy.alone
            return computed(self.metric, self.name) if alone else None
        self.fold()
        if self.total is None:
            return None
        return self.total / self.weight if self.reduce == "mean" else self.total

    def part(self, phase: str, session: Session) -> tuple[str, Tensor, float] | None:
        """What is reduced over all processes: how, the value (for a mean the weighted sum), and the weight."""
        if phase == "step":
            value = self.step_value(session) if self.on_step else None
            return None if value is None else (self.reduce, value, 1)
        if self.on_epoch:
            self.fold()
        return None if self.total is None else (self.reduce, self.total, self.weight)

    def names(self, phase: str) -> tuple[str, str]:
        """The plain and the forked name, with the loader's suffix; ``phase`` is ``step`` or ``epoch``."""
        suffix = "" if self.loader is None else f"/dataloader_idx_{self.loader}"
        return self.name + suffix, (f"{self.name}_{phase}" if self.fork else self.name) + suffix

    def state_dict(self) -> dict[str, Any]:
        """The accumulators of a running epoch, for exact resume: not folded, so that saving changes no rounding."""
        return {
            "values": stacked(self.values, self.name) if self.values else None,
            "weights": list(self.weights),
            "count": self.count,
            "fresh": self.fresh,
            "total": self.total,
            "weight": self.weight,
            "last": self.last,
            "batch": self.batch,
            "on_step": self.on_step,
            "on_epoch": self.on_epoch,
            "prog_bar": self.prog_bar,
            "logger": self.logger,
            "reduce": self.reduce,
            "sync": self.sync,
            "loader": self.loader,
            "axis": self.axis,
        }

    @classmethod
    def of_state(cls, name: str, state: dict[str, Any]) -> Entry:
        """An entry that goes on from the accumulators of a checkpoint."""
        arguments = (
            state["prog_bar"],
            state["logger"],
            None,
            None,
            state["reduce"],
            False,
            state["sync"],
            None,
            True,
            None,
            False,
            state.get("axis"),
        )
        entry = cls(name, arguments, state["on_step"], state["on_epoch"], state["loader"])
        entry.total, entry.weight, entry.last, entry.batch = (
            state[key] for key in ("total", "weight", "last", "batch")
        )
        entry.version = version_of(entry.last)
        entry.values = [] if state["values"] is None else list(state["values"].unbind())
        entry.versions = sum(map(version_of, entry.values))
        entry.weights, entry.count, entry.fresh = list(state["weights"]), state["count"], state["fresh"]
        entry.resumed = True
        return entry


def version_of(value: Any) -> int:
    """How often a tensor was changed in place; 0 for numbers and inference tensors, which nobody counts."""
    return value._version if isinstance(value, Tensor) and not value.is_inference() else 0


def of_several(value: Tensor, name: str) -> UserCodeError:
    """The error for a tensor that has not one element."""
    return UserCodeError(
        f"self.log({name!r}, …) got a tensor of shape {tuple(value.shape)}; allowed is one element."
    )


def stacked(values: list[Any], name: str) -> Tensor:
    """Numbers and one-element tensors as one tensor, in float32 or the default dtype where that is wider."""
    dtype = _dtype()
    tensors = [one for one in values if isinstance(one, Tensor)]
    try:
        if len(tensors) == len(values):
            block = torch.stack([one.reshape(()) for one in tensors])
        elif not tensors:
            block = torch.tensor(values, dtype=dtype)
        else:
            device = tensors[0].device
            block = torch.stack(
                [torch.as_tensor(one, dtype=dtype, device=device).reshape(()) for one in values]
            )
    except RuntimeError as error:
        raise UserCodeError(f"self.log({name!r}, …) got tensors of more than one element.") from error
    return block if block.dtype in (torch.float32, torch.float64) else block.to(dtype)


def as_tensor(value: Any, device: torch.device) -> Tensor:
    """A logged value as the dicts show it: a scalar tensor in float32 or wider."""
    tensor = value if isinstance(value, Tensor) else torch.tensor(value, dtype=_dtype(), device=device)
    tensor = tensor if tensor.ndim == 0 else tensor.reshape(())
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.to(_dtype())


def _dtype() -> torch.dtype:
    default = torch.get_default_dtype()
    return default if default in (torch.float32, torch.float64) else torch.float32


def computed(metric: Any, name: str) -> Any:
    """What a metric object computes; torchmetrics' talk to the other processes for that."""
    value = metric.compute()
    if not isinstance(value, Tensor):
        raise UserCodeError(
            f"The metric logged as {name!r} computed {shown(value)}; only a tensor can be logged."
        )
    return value.detach()
