"""A run that one package saved, the other goes on with, as the package that saved it would have."""

from __future__ import annotations

from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from tests.oracle import golden
from tests.oracle.bench import Result, run
from tests.oracle.compare import differences
from tests.oracle.differences import expected
from tests.oracle.namespace import REFERENCE, Namespace, load
from tests.oracle.scenarios.resuming import resume_second, save_first


@pytest.fixture(scope="module")
def reference() -> Namespace:
    try:
        version(REFERENCE.replace("_", "-"))
    except PackageNotFoundError:
        pytest.skip("pytorch-lightning is not installed")
    return load(REFERENCE)


@pytest.fixture(scope="module")
def leyden() -> Namespace:
    return load("leyden")


def _resume(saved_by: Namespace, resumed_by: Namespace, folder: Path) -> Result:
    folder.mkdir()
    run(saved_by, folder, save_first)
    return golden.plain(run(resumed_by, folder, partial(resume_second, path=folder / "file.ckpt")))


def test_leyden_resumes_what_the_reference_saved(
    reference: Namespace, leyden: Namespace, tmp_path: Path
) -> None:
    wanted = _resume(reference, reference, tmp_path / "wanted")
    account = differences(
        expected("resume_after_fit", wanted), _resume(reference, leyden, tmp_path / "actual")
    )
    assert not account, account


def test_reference_resumes_what_leyden_saved(reference: Namespace, leyden: Namespace, tmp_path: Path) -> None:
    wanted = _resume(reference, reference, tmp_path / "wanted")
    account = differences(wanted, _resume(leyden, reference, tmp_path / "actual"))
    assert not account, account


BATCHES, STOP = 6, 4


def _fit(namespace: Namespace, loader: Any, path: Path | None = None, save: Path | None = None) -> Any:
    """Fit for two epochs with callbacks that have states; save after batch STOP of the first."""
    seen = []

    class Model(namespace.root.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            seen.append(batch.flatten().tolist())
            loss = self.layer(batch).square().mean()
            self.log("loss", loss.detach() + self.global_step)
            return loss

        def on_train_batch_end(self, *_: Any) -> None:
            if save is not None and self.global_step == STOP:
                self.trainer.save_checkpoint(save)

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), 0.1)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

    callbacks = [
        namespace.callbacks.EarlyStopping("loss", patience=9, check_on_train_epoch_end=True),
        namespace.callbacks.ModelCheckpoint((save or path).parent / "kept", monitor="loss", save_top_k=2),  # type: ignore[union-attr]
    ]
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = namespace.root.Trainer(max_epochs=2, callbacks=callbacks, accelerator="cpu", **quiet)
    trainer.fit(Model(), loader, ckpt_path=None if path is None else str(path))
    return seen, callbacks


def _data(kind: str) -> Any:
    data = torch.arange(2.0 * BATCHES).unsqueeze(1)
    if kind == "plain":
        return DataLoader(data, 2)  # type: ignore[arg-type]
    stateful = pytest.importorskip("torchdata.stateful_dataloader")
    return stateful.StatefulDataLoader(data, batch_size=2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["plain", "stateful"])
@pytest.mark.parametrize("first", ["reference", "leyden"])
def test_callbacks_loops_and_loaders_go_on_in_the_other_package(
    first: str, kind: str, reference: Namespace, leyden: Namespace, tmp_path: Path
) -> None:
    saving, resuming = (reference, leyden) if first == "reference" else (leyden, reference)
    path = tmp_path / "a.ckpt"
    whole, kept = _fit(saving, _data(kind), save=path)
    seen, callbacks = _fit(resuming, _data(kind), path)
    assert len(seen) == len(whole) - STOP
    exact = kind == "stateful" or resuming is leyden  # Lightning begins a plain loader anew
    assert (seen == whole[STOP:]) == exact
    for one, other in zip(kept, callbacks, strict=True):
        assert one.state_key == other.state_key
        mine, its = one.state_dict(), other.state_dict()
        assert mine.keys() == its.keys()
    assert callbacks[0].wait_count == kept[0].wait_count
    assert callbacks[0].best_score == kept[0].best_score or not exact
    assert len(callbacks[1].best_k_models) == len(kept[1].best_k_models)
