"""torch's fused optimizer kernels in place of the ordinary ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer

from leyden.api.warn import warn
from leyden_option_fast.technique import Technique, say

DEVICES: dict[type, tuple[str, ...]] = {
    Adam: ("cpu", "cuda"),
    AdamW: ("cpu", "cuda"),
    SGD: ("cpu", "cuda"),
    Adagrad: ("cpu",),
}
"""Where torch has a fused kernel of an optimizer."""

STEPS = 3
"""How many steps are compared."""


class Fused(Technique):
    """``fused``: each optimizer that can uses torch's fused kernel; a line says which do, and why others do not.

    Args:
        verify: compare the first steps with those of the ordinary kernel; go back to it where they differ.
    """

    name: ClassVar[str] = "fused"
    part: ClassVar[str] = "update"

    def __init__(self, verify: bool = False) -> None:
        self.verify = verify
        self.optimizers: list[Optimizer] = []
        self.places: list[int] = []
        self.given_up = False

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        reasons = {type(one).__name__: obstacle(one) for one in trainer.optimizers}
        if any(reason is None for reason in reasons.values()):
            return None
        return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())

    def begin(self, trainer: Any, module: Any) -> None:
        """Switch the kernels. Checkpoints are loaded by now, and may have brought a setting of their own."""
        self.optimizers, self.places, self.given_up = [], [], False
        for place, optimizer in enumerate(trainer.optimizers):
            reason, name = obstacle(optimizer), type(optimizer).__name__
            if reason is not None:
                say(f"{name} stays as it is: {reason}.")
                continue
            fuse(optimizer)
            self.optimizers.append(optimizer)
            self.places.append(place)
            if self.verify:
                Verification(optimizer, self.give_up, trainer.strategy.reduce_boolean_decision)
            checked = f", compared with the ordinary one for {STEPS} steps" if self.verify else ""
            say(f"{name} is fused{checked}.")

    def give_up(self) -> None:
        """One of them computed something else."""
        self.given_up = True

    def switch(self, on: bool) -> None:
        for optimizer in self.optimizers:
            fuse(optimizer) if on else unfuse(optimizer)

    def saving(self, checkpoint: dict[str, Any]) -> None:
        states = checkpoint.get("optimizer_states", [])
        for place in self.places:
            for group in states[place]["param_groups"] if place < len(states) else ():
                group["fused"] = group["foreach"] = None

    def end(self) -> None:
        for optimizer in self.optimizers:
            unfuse(optimizer)
        self.optimizers, self.places = [], []


def obstacle(optimizer: Optimizer) -> str | None:
    """Why an optimizer cannot use a fused kernel; ``None`` when it can."""
    devices = DEVICES.get(type(optimizer))
    if devices is None:
        return "torch has no fused kernel for it"
    for group in optimizer.param_groups:
        if group.get("fused") is not None or group.get("foreach") is not None:
            return "fused or foreach was chosen already"
        if group.get("differentiable"):
            return "it is differentiable"
        if isinstance(group["lr"], Tensor):
            return "its learning rate is a tensor"
        for parameter in group["params"]:
            if type(parameter) not in (Tensor, torch.nn.Parameter):
                return f"it has a {type(parameter).__name__}"
            if parameter.device.type not in devices:
                return f"it has parameters on {parameter.device.type}"
            if not parameter.is_floating_point() or parameter.layout is not torch.strided:
                return f"it has parameters of {parameter.dtype}, {parameter.layout}"
    return None


def fuse(optimizer: Optimizer) -> None:
    """Let an optimizer use its fused kernel; counts of steps move to their parameters' devices, where it wants them."""
    for group in optimizer.param_groups:
        group["fused"], group["foreach"] = True, False
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            if "step" in state:
                state["step"] = torch.as_tensor(state["step"], dtype=torch.float32, device=parameter.device)


def unfuse(optimizer: Optimizer) -> None:
    """Let an optimizer choose its kernel as it did before :func:`fuse`; counts of steps move back to the CPU."""
    for group in optimizer.param_groups:
        group["fused"] = group["foreach"] = None
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            if "step" in state and not group.get("capturable"):
                state["step"] = state["step"].cpu()


class Verification:
    """Repeats the first steps of a fused optimizer with the ordinary kernel, and goes back to that where they differ.

    The copy starts from weights and state of before the step and gets the gradients that the step used. The hooks on
    the optimizer are gone after :data:`STEPS` steps, so later steps cost nothing.

    Args:
        optimizer: the fused optimizer.
        given_up: called when it goes back.
        agreed: whether all processes say so: they must use the same kernel.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        given_up: Callable[[], None] = lambda: None,
        agreed: Callable[[bool], bool] = bool,
    ) -> None:
        self.given_up, self.agreed = given_up, agreed
        self.done = 0
        self.twin: Optimizer | None = None
        self.handles = [
            optimizer.register_step_pre_hook(self.before),
            optimizer.register_step_post_hook(self.after),
        ]

    def before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Copy weights and state."""
        self.twin = twin(optimizer)

    def after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Step the copy and compare."""
        twin = self.twin
        assert twin is not None
        pairs = list(zip(_parameters(optimizer), _parameters(twin), strict=True))
        for parameter, copy in pairs:
            copy.grad = parameter.grad  # not changed by a step
        type(twin).step(twin)
        self.done += 1
        self.twin = None
        different = [_difference(one, two) for one, two in pairs if not _close(one, two)]
        if not self.agreed(not different):
            self.fall_back(optimizer, twin, max(different, default=0.0))
        elif self.done >= STEPS:
            self.end()

    def fall_back(self, optimizer: Optimizer, twin: Optimizer, difference: float) -> None:
        """Take over what the ordinary kernel computed, and go on with it."""
        with torch.no_grad():
            for parameter, copy in zip(_parameters(optimizer), _parameters(twin), strict=True):
                parameter.copy_(copy)
                if copy in twin.state:
                    optimizer.state[parameter] = twin.state[copy]
        unfuse(optimizer)
        self.given_up()
        self.end()
        warn(
            "fast-fallback",
            f"fast: after step {self.done} the weights of fused {type(optimizer).__name__} differed by "
            f"{difference:.3g} from those of the ordinary one, which is used from this step on.",
        )

    def end(self) -> None:
        """Take the hooks off the optimizer."""
        for handle in self.handles:
            handle.remove()


def twin(optimizer: Optimizer) -> Optimizer:
    """An optimizer with the ordinary kernel and copies of the parameters (without gradients) and of their state."""
    groups, states = [], []
    for group in optimizer.param_groups:
        copies = [one.detach().clone().requires_grad_(one.requires_grad) for one in group["params"]]
        settings = {key: value for key, value in group.items() if key != "params"}
        groups.append({**settings, "params": copies, "fused": None, "foreach": None})
        for parameter, copy in zip(group["params"], copies, strict=True):
            if parameter in optimizer.state:
                states.append((copy, _copied(optimizer.state[parameter])))
    kind: Any = type(optimizer)
    made: Optimizer = kind(groups)
    for copy, state in states:
        made.state[copy] = state
    unfuse(made)
    return made


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value.clone() if isinstance(value, Tensor) else value for key, value in state.items()}


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [one for group in optimizer.param_groups for one in group["params"]]


def _close(one: Tensor, two: Tensor) -> bool:
    """Equal up to the rounding of a few operations, by torch's tolerance for the dtype; not-a-numbers equal."""
    eps = torch.finfo(one.dtype).eps
    return torch.allclose(one, two, rtol=1e2 * eps, atol=1e2 * eps, equal_nan=True)


def _difference(one: Tensor, two: Tensor) -> float:
    return (one.detach() - two.detach()).abs().max().item()
