"""Validation that is due by optimizer steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet
from torch.optim import SGD

from leyden import Callback
from leyden.errors import ConfigurationError


class Validated(Callback):
    """Notes the optimizer steps at each validation, and can save at one of them."""

    def __init__(self, path: Path | None = None) -> None:
        self.steps: list[int] = []
        self.path = path

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        self.steps.append(trainer.global_step)
        if self.path is not None and len(self.steps) == 1:
            trainer.save_checkpoint(self.path)


def validation_step(self: Any, batch: Any, batch_idx: int) -> None:
    self.log("val_loss", self.layer(batch).sum())


def fitted(
    interval: str, path: Path | None = None, ckpt_path: Path | None = None, **options: Any
) -> list[int]:
    noted = Validated(path)
    trainer = quiet(val_check_interval=interval, callbacks=[noted], **{"max_epochs": 3, **options})
    trainer.fit(Linear(validation_step=validation_step), numbers(10), numbers(4), ckpt_path=ckpt_path)
    return noted.steps


def test_counts_across_epochs() -> None:
    assert fitted("4 optimizer_steps") == [4, 8, 12]


def test_an_update_of_several_batches_is_one_step() -> None:
    assert fitted("2 optimizer_steps", accumulate_grad_batches=2) == [2, 4, 6, 8]


def test_only_in_epochs_that_validate() -> None:
    assert fitted("2 optimizer_steps", check_val_every_n_epoch=2) == [6, 8, 10]


def test_two_optimizers_may_step_past_a_multiple() -> None:
    def training_step(self: Any, batch: Any, batch_idx: int) -> None:
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.layer(batch).sum())
            optimizer.step()

    noted = Validated()
    module = Linear(
        lambda m: [m.default_optimizer(), m.default_optimizer()],
        default_optimizer=lambda m: SGD(m.parameters(), lr=0.0),
        training_step=training_step,
        validation_step=validation_step,
    )
    module.automatic_optimization = False
    quiet(val_check_interval="3 optimizer_steps", callbacks=[noted]).fit(module, numbers(10), numbers(4))
    assert noted.steps == [4, 6, 10]


def test_resumed_runs_keep_the_rhythm(tmp_path: Path) -> None:
    path = tmp_path / "middle.ckpt"
    assert fitted("4 optimizer_steps", path) == [4, 8, 12]
    assert fitted("4 optimizer_steps", ckpt_path=path) == [8, 12]


@pytest.mark.parametrize(
    "wrong", ["0 optimizer_steps", "-3 optimizer_steps", "4 steps", "x optimizer_steps", " optimizer_steps"]
)
def test_refused(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="val_check_interval.*optimizer_steps"):
        quiet(val_check_interval=wrong)
