"""What training on XLA devices needs, on one or on several."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from leyden.api.transfer import map_nested
from leyden.errors import ConfigurationError
from leyden.interfaces import Precision, Strategy
from leyden_accelerator_xla.engine import engine


class OnXLA(Strategy):
    """Placing a module, and cutting the lazily recorded graph where a batch and an update end.

    To be listed before a strategy that says how processes work together.

    Args of subclasses:
        debug: let torch_xla report each compilation (``PT_XLA_DEBUG``).
    """

    debug: bool = False
    _handles: list[Any]

    def setup_environment(self) -> None:
        if self.debug:
            os.environ["PT_XLA_DEBUG"] = "1"
        super().setup_environment()

    def setup(self, module: nn.Module) -> nn.Module:
        """Place the module; parameters that it shares between layers stay shared."""
        shared = shared_parameters(module)
        super().setup(module)
        share(self.module, shared)
        return module

    def setup_optimizers(self, optimizers: list[Optimizer]) -> list[Optimizer]:
        """Run what was recorded after each update."""
        self._handles = [one.register_step_post_hook(self._after_step) for one in optimizers]
        return super().setup_optimizers(optimizers)

    def _after_step(self, *_: Any) -> None:
        engine().sync()

    def batch_to_device(self, batch: Any, device: torch.device | None = None, dataloader_idx: int = 0) -> Any:
        """Run what the previous batch left recorded, then move this one."""
        engine().sync()
        return super().batch_to_device(batch, device, dataloader_idx)

    def module_state_dict(self) -> dict[str, Any]:
        """The module's state on the CPU, so that it can be loaded without torch_xla."""
        found: dict[str, Any] = on_cpu(super().module_state_dict())
        return found

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        found: dict[str, Any] = on_cpu(super().optimizer_state(optimizer))
        return found

    def teardown(self) -> None:
        for one in self._handles:
            one.remove()
        self._handles = []
        if self.module is not None and self.devices:
            shared = shared_parameters(self.module)
            self.module.cpu()
            share(self.module, shared)
        if self.debug:
            os.environ.pop("PT_XLA_DEBUG", None)
        super().teardown()


def check_precision(precision: Precision) -> None:
    """Refuse loss scaling.

    Raises:
        leyden.errors.ConfigurationError: the precision is ``"16-mixed"``.
    """
    if precision.precision == "16-mixed":
        remedy = "TPUs have bfloat16, which has the range of float32 and needs no loss scaling."
        raise ConfigurationError.about("precision", "16-mixed", "'bf16-mixed' on XLA devices", remedy)


def on_cpu(found: Any) -> Any:
    """Nested containers with their tensors on the CPU."""
    return map_nested(found, lambda one: isinstance(one, Tensor), lambda one: one.detach().cpu())


def shared_parameters(module: nn.Module) -> list[list[str]]:
    """The names, in groups, under which a module has a parameter more than once."""
    names: dict[int, list[str]] = {}
    for name, one in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(one), []).append(name)
    return [group for group in names.values() if len(group) > 1]


def share(module: nn.Module, groups: Iterable[list[str]]) -> None:
    """Let a module have one parameter under each group of names, as moving it to another kind of device undoes that."""
    for first, *others in groups:
        for name in others:
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, module.get_parameter(first))
