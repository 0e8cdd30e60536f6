from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from leyden import Trainer
from leyden_demo import digits
from leyden_demo.digits import Classifier, Digits


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(accelerator="cpu", fast_dev_run=2, enable_progress_bar=False, default_root_dir=tmp_path)


@pytest.fixture(scope="module")
def data() -> Digits:
    data = Digits(batch_size=8)
    data.setup("fit")
    return data


def test_the_split_is_the_same_every_time_and_shares_nothing(data: Digits) -> None:
    again = Digits()
    again.setup("test")
    parts = [one.indices for one in (data.train, data.val, data.test)]
    assert parts == [one.indices for one in (again.train, again.val, again.test)]
    assert sorted(index for part in parts for index in part) == list(range(1797))


def test_images_are_scaled_and_every_digit_is_in_every_part(data: Digits) -> None:
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        images, targets = (torch.cat(column) for column in zip(*list(loader), strict=True))
        assert images.shape[1:] == (1, 8, 8)
        assert [images.min().item(), images.max().item()] == [0, 1]
        assert set(targets.tolist()) == set(range(10))


def weights(classifier: Classifier) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in classifier.parameters()])


def test_two_batches_of_everything_run(trainer: Trainer) -> None:
    classifier, data = Classifier(channels=4), Digits(batch_size=8)
    before = weights(classifier)
    trainer.fit(classifier, datamodule=data)
    assert trainer.global_step == 2
    assert not torch.equal(before, weights(classifier))
    (scores,) = trainer.test(classifier, datamodule=data, verbose=False)
    assert scores.keys() == {"test_loss", "test_acc"}
    predicted = trainer.predict(classifier, datamodule=data)
    assert [batch.shape for batch in predicted] == [(8,), (8,)]


def test_the_example_is_short() -> None:
    assert len(Path(digits.__file__).read_text(encoding="utf-8").splitlines()) < 90
