"""What a run says about data and checkpoints that train or show something else than was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet
from torch.utils.data import RandomSampler

from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError, NoModuleError, UserCodeTypeError


def test_none_stands_among_the_predictions() -> None:
    step = lambda self, batch, batch_idx: None if batch_idx == 0 else batch_idx  # noqa: E731
    with pytest.warns(LeydenWarning, match="predict-none"):
        assert quiet().predict(Linear(predict_step=step), numbers()) == [None, 1, 2]


def test_an_evaluation_that_shuffles_is_told() -> None:
    with pytest.warns(LeydenWarning, match="shuffled-evaluation.*val_dataloader"):
        quiet().validate(Linear(validation_step=lambda *_: None), numbers(sampler=RandomSampler(range(6))))


def test_a_metric_put_in_by_hand_is_seen() -> None:
    trainer = quiet()
    assert trainer.metric_batch("mine") is None
    trainer.callback_metrics["mine"] = torch.tensor(1.0)
    assert (trainer.callback_metrics["mine"], trainer.metric_batch("mine")) == (1.0, 0)
    born: list[Any] = []

    def end(self: Any) -> None:
        assert self.trainer.metric_batch("mine") is None  # a run begins without what was there before
        self.trainer.callback_metrics["mine"] = torch.tensor(2.0)
        born.append(self.trainer.metric_batch("mine"))

    trainer.fit(Linear(on_train_epoch_end=end), numbers())
    assert (born, trainer.callback_metrics) == ([3], {"mine": 2.0})


def test_a_checkpoint_behind_the_last_epoch_is_refused(tmp_path: Path) -> None:
    trainer = quiet(max_epochs=3)
    trainer.fit(Linear(), numbers())
    trainer.save_checkpoint(tmp_path / "three.ckpt")
    quiet(max_epochs=3).fit(Linear(), numbers(), ckpt_path=tmp_path / "three.ckpt")
    with pytest.raises(ConfigurationError, match="is of epoch 3, and max_epochs=2"):
        quiet(max_epochs=2).fit(Linear(), numbers(), ckpt_path=tmp_path / "three.ckpt")


def test_two_paths_are_told(tmp_path: Path) -> None:
    trainer = quiet()
    trainer.fit(Linear(), numbers())
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    trainer.ckpt_path = "another.ckpt"
    with pytest.warns(LeydenWarning, match="ckpt-path.*another"):
        trainer.fit(Linear(), numbers(), ckpt_path=tmp_path / "one.ckpt")


def test_strict_twice(tmp_path: Path) -> None:
    class Loose(Linear):
        strict_loading = False

    trainer = quiet()
    trainer.fit(Loose(), numbers())
    trainer.save_checkpoint(tmp_path / "one.ckpt")
    assert isinstance(Loose.load_from_checkpoint(tmp_path / "one.ckpt", strict=False), Loose)
    with pytest.raises(
        ConfigurationError, match=r"strict=True is not possible with Loose\.strict_loading=False"
    ):
        Loose.load_from_checkpoint(tmp_path / "one.ckpt", strict=True)


def test_types_of_errors() -> None:
    with pytest.raises(NoModuleError) as caught:
        quiet().save_checkpoint("no.ckpt")
    assert isinstance(caught.value, AttributeError)
    with pytest.raises(UserCodeTypeError):
        quiet().fit(Linear(), object())


@pytest.mark.parametrize(("given", "shown"), [(True, True), (1, True), (3, 3), (False, False), (0, False)])
def test_fast_dev_run_as_it_is_shown(given: bool | int, shown: bool | int) -> None:
    found = quiet(fast_dev_run=given, enable_checkpointing=None).fast_dev_run
    assert (found, type(found)) == (shown, type(shown))
