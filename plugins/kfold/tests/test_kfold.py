from __future__ import annotations

import math
import os
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.model_selection import GroupKFold, LeaveOneOut, ShuffleSplit
from torch.utils.data import TensorDataset

from leyden import Trainer
from leyden.callbacks import ModelCheckpoint
from leyden.cli import main
from leyden.errors import ConfigurationError, UserCodeError
from leyden.testing import TinyModule
from leyden_kfold import cross_validate

SOURCE = """
import torch
from torch.utils.data import TensorDataset

def numbers():
    x = torch.linspace(-1, 1, 40).reshape(10, 4)
    return TensorDataset(x, x.sum(dim=1, keepdim=True)), [0, 1] * 5
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folded_for_tests.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)


def data(size: int = 10) -> TensorDataset:
    x = torch.linspace(-1, 1, 4 * size).reshape(size, 4)
    return TensorDataset(x, x.sum(dim=1, keepdim=True))


def crossed(folds: Any = 3, module: Any = TinyModule, size: int = 10, **arguments: Any) -> Any:
    given = {"trainer": {"max_epochs": 2}, "loader": {"batch_size": 2}, **arguments}
    return cross_validate(module, data(size), folds, **given)


def test_every_fold_is_what_training_it_by_hand_gives() -> None:
    from sklearn.model_selection import KFold

    found = crossed(seed=3)
    splits = list(KFold(3, shuffle=True, random_state=3).split(range(10)))
    dataset = data()
    for fold, (train, val) in zip(found.folds, splits, strict=True):
        torch.manual_seed(3 + fold.number)
        module, order = TinyModule(), torch.Generator().manual_seed(3 + fold.number)
        trainer = Trainer(
            max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        )  # fmt: skip
        part = torch.utils.data.Subset
        kept = torch.utils.data.DataLoader(part(dataset, val), batch_size=2)
        learned = torch.utils.data.DataLoader(
            part(dataset, train), batch_size=2, shuffle=True, generator=order
        )
        trainer.fit(module, learned, kept)
        assert trainer.validate(module, kept, verbose=False) == [fold.metrics]
        assert (fold.train_size, fold.val_size) == (len(train), len(val))


def test_the_table_holds_mean_and_deviation(tmp_path: Path) -> None:
    found = crossed()
    values = [fold.metrics["val_loss"] for fold in found.folds]
    assert found.mean["val_loss"] == pytest.approx(statistics.fmean(values))
    assert found.std["val_loss"] == pytest.approx(statistics.stdev(values))
    lines = str(found).splitlines()
    assert lines[0].split() == ["fold", "train", "val", "val_loss"]
    assert [one.split()[0] for one in lines[1:]] == ["0", "1", "2", "mean"]
    assert f"{found.mean['val_loss']:.4g} ± {found.std['val_loss']:.2g}" in lines[-1]
    found.to_csv(tmp_path / "folds.csv")
    rows = (tmp_path / "folds.csv").read_text().splitlines()
    assert len(rows) == 4 and float(rows[1].split(",")[3]) == values[0]


def test_it_is_reproducible_and_leaves_the_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    state = torch.get_rng_state()
    assert crossed(seed=1) == crossed(seed=1) != crossed(seed=2)
    assert torch.equal(torch.get_rng_state(), state) and "PL_GLOBAL_SEED" not in os.environ


@pytest.mark.multiprocess
def test_several_processes_find_the_same() -> None:
    assert crossed(2, n_jobs=2) == crossed(2)


def test_labels_stratify_and_splitters_are_taken() -> None:
    labels = [0] * 5 + [1] * 5
    seen: list[Any] = []

    class Noting(TinyModule):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            super().validation_step(batch, batch_idx)
            if not self.trainer.sanity_checking:
                seen.append((self.trainer.state.fn, batch[0][:, 0]))

    crossed(5, Noting, labels=labels, loader={"batch_size": 10}, trainer={"max_epochs": 1})
    firsts = data().tensors[0][:, 0]
    for part in (one for fn, one in seen if fn == "validate"):
        assert [labels[int((firsts == value).nonzero())] for value in sorted(part.tolist())] == [0, 1]
    grouped = crossed(GroupKFold(2), groups=[0, 1] * 5)
    assert [one.val_size for one in grouped.folds] == [5, 5]
    assert len(crossed(LeaveOneOut(), size=3).folds) == 3
    alone = crossed(ShuffleSplit(1))
    assert math.isnan(alone.std["val_loss"]) and "± nan" in str(alone)


def test_the_best_checkpoint_of_each_fold(tmp_path: Path) -> None:
    keeper = ModelCheckpoint(monitor="val_loss")
    found = crossed(
        2, trainer={"max_epochs": 2, "callbacks": [keeper], "enable_checkpointing": True}, ckpt_path="best"
    )
    paths = [Path(one.checkpoint) for one in found.folds]
    assert all(one.exists() for one in paths)
    assert [one.parts[-3] for one in paths] == ["fold_0", "fold_1"]
    assert keeper.best_model_path == ""


def test_ctrl_c_ends_it() -> None:
    class Interrupted(TinyModule):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crossed(module=Interrupted)


def test_a_module_that_logs_nothing_is_said_to() -> None:
    class Mute(TinyModule):
        def validation_step(self, batch: Any, batch_idx: int) -> None: ...

    with pytest.raises(UserCodeError, match="self.log"):
        crossed(module=Mute)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"folds": 1}, "folds"), ({"folds": 11}, "folds"), ({"folds": "5"}, "folds"),
        ({"module": TinyModule()}, "fresh"), ({"n_jobs": 0}, "n_jobs"), ({"seed": -1}, "seed"),
        ({"labels": [1]}, "labels"), ({"ckpt_path": "bets"}, "ckpt_path"),
        ({"module": lambda: TinyModule(), "n_jobs": 2}, "pickled"),
    ],
)  # fmt: skip
def test_arguments_are_checked(arguments: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        crossed(**arguments)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["kfold", "leyden.testing:TinyModule", "--data", "folded_for_tests:numbers", "--folds", "2"]
    assert main([*line, "--trainer", "max_epochs=1", "--csv", "folds.csv"]) == 0
    out = capsys.readouterr().out
    assert "val_loss" in out and "mean" in out and (tmp_path / "folds.csv").exists()
    assert main([*line[:3], "nothing:here"]) == 2
