from __future__ import annotations

from typing import Any

import torch

from leyden.testing import CallbackContract, tiny
from leyden_callback_finetuning import BackboneFinetuning, BaseFinetuning


class TinyModule(tiny.TinyModule):
    """With a backbone; the optimizer gets what is not frozen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.backbone = torch.nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return super().forward(self.backbone(x))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD([one for one in self.parameters() if one.requires_grad], lr=0.1)


class AtOnce(BaseFinetuning):
    def freeze_before_training(self, pl_module: Any) -> None:
        self.freeze(pl_module.layer)

    def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
        if epoch == 1:
            self.make_trainable(pl_module.layer)


class WithBackbone(CallbackContract):
    def run(self, *stages: str, **keywords: Any) -> Any:
        given = keywords.pop("module", None)
        fail_in, error = ("", RuntimeError) if given is None else (given.fail_in, given.error)
        return super().run(*stages, module=TinyModule(fail_in=fail_in, error=error), **keywords)


class TestContract(WithBackbone):
    entry_point = "base_finetuning"

    def make(self) -> AtOnce:
        return AtOnce()


class TestContractBackbone(WithBackbone):
    entry_point = "backbone_finetuning"

    def make(self) -> BackboneFinetuning:
        return BackboneFinetuning(unfreeze_backbone_at_epoch=0)


del WithBackbone
