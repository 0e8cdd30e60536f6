"""What of a module is frozen, by name."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Frozen:
    """Reads and writes it."""

    @staticmethod
    def of(module: nn.Module) -> dict[str, list[str]]:
        """Parameters without gradients, and batch normalizations that gather no statistics."""
        return {
            "parameters": [name for name, one in module.named_parameters() if not one.requires_grad],
            "norms": [
                name
                for name, one in module.named_modules()
                if isinstance(one, _BatchNorm) and not one.track_running_stats
            ],
        }

    @staticmethod
    def restore(module: nn.Module, frozen: dict[str, list[str]]) -> None:
        """Freeze these, and nothing else."""
        parameters, norms = set(frozen["parameters"]), set(frozen["norms"])
        for name, parameter in module.named_parameters():
            if parameter.is_floating_point():
                parameter.requires_grad = name not in parameters
        for name, one in module.named_modules():
            if isinstance(one, _BatchNorm):
                one.track_running_stats = name not in norms
