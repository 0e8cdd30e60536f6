"""What the demo does: train, test, reload, predict, export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from leyden import Trainer, seed_everything
from leyden.api.export import convert, usual_suffix
from leyden.callbacks import EarlyStopping, ModelCheckpoint
from leyden.errors import LeydenError
from leyden.loggers import CSVLogger, TensorBoardLogger
from leyden.plugins import catalogue
from leyden_demo.digits import Classifier, Digits
from leyden_demo.taking_part import Part, taking_part


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        root: the folder of all runs.
        folder: the folder of this run.
        best: the checkpoint with the lowest validation loss.
        last: the newest checkpoint.
        training: how the training went, in words.
        scores: ``val_loss`` of the best checkpoint, and the metrics of the test.
        right: how many test digits the reloaded classifier recognised.
        digits: how many test digits there are.
        exports: format, file and how that was verified, for each exporter; without a file, why there is none.
        parts: the plugins that took part.
    """

    root: Path
    folder: Path
    best: Path
    last: Path
    training: str
    scores: dict[str, float]
    right: int
    digits: int
    exports: list[tuple[str, str, str]]
    parts: list[Part]


def demonstrate(root: str, max_epochs: int, accelerator: str, seed: int) -> Outcome:
    """Train a classifier, test its best checkpoint, reload that and predict with it.

    Args:
        root: the folder of all runs.
        max_epochs: the limit; early stopping may end the training before.
        accelerator: the hardware, as for the Trainer.
        seed: of all random numbers.

    Raises:
        leyden.errors.LeydenError: something asked for is not possible or not installed.
        KeyboardInterrupt: Ctrl-C ended one of the calls.
    """
    seed_everything(seed, workers=True, verbose=False)
    trainer, data = _trainer(root, max_epochs, accelerator), Digits()
    began = perf_counter()
    trainer.fit(Classifier(), datamodule=data)
    _unless_interrupted(trainer)
    training, parts = _training(trainer, perf_counter() - began), taking_part(trainer)
    (scores,) = trainer.test(datamodule=data, ckpt_path="best")
    _unless_interrupted(trainer)
    keeper, folder = trainer.checkpoint_callback, Path(trainer.log_dir or root)
    exports = _exports(trainer, folder)
    right, digits = _reloaded(trainer, keeper.best_model_path, data)
    scores = {"val_loss": float(keeper.best_model_score), **scores}
    best, last = Path(keeper.best_model_path), Path(keeper.last_model_path)
    return Outcome(Path(root), folder, best, last, training, scores, right, digits, exports, parts)


def _trainer(root: str, max_epochs: int, accelerator: str) -> Trainer:
    tensorboard = TensorBoardLogger(root, name="digits")
    return Trainer(
        accelerator=accelerator,
        devices=1,
        max_epochs=max_epochs,
        log_every_n_steps=5,
        logger=[tensorboard, CSVLogger(root, name="digits", version=tensorboard.version)],
        callbacks=[
            EarlyStopping(monitor="val_loss", patience=5),
            ModelCheckpoint(monitor="val_loss", filename="{epoch}-{val_loss:.3f}", save_last=True),
        ],
    )


def _unless_interrupted(trainer: Trainer) -> None:
    if trainer.interrupted:
        raise KeyboardInterrupt


def _training(trainer: Trainer, seconds: float) -> str:
    text = f"{trainer.current_epoch} epochs, {trainer.global_step} steps, {seconds:.1f} s"
    stopped = trainer.early_stopping_callback.stopped_epoch
    return f"{text}, ended by early stopping" if stopped else text


def _reloaded(trainer: Trainer, path: str, data: Digits) -> tuple[int, int]:
    """How many test digits a classifier made from a checkpoint recognises, and how many there are."""
    classifier = Classifier.load_from_checkpoint(path)
    predicted: list[Any] | None = trainer.predict(classifier, datamodule=data)
    _unless_interrupted(trainer)
    targets = torch.cat([target for _, target in data.test_dataloader()])
    right = torch.cat(predicted or []).cpu() == targets
    return int(right.sum()), len(targets)


def _exports(trainer: Trainer, folder: Path) -> list[tuple[str, str, str]]:
    """Export with every exporter that is installed and may run."""
    entries = catalogue().group("leyden.exporters")
    names = {entry.name for entry in entries if entry.state in ("found", "loaded")}
    return [_export(trainer, folder, name) for name in sorted(names)]


def _export(trainer: Trainer, folder: Path, name: str) -> tuple[str, str, str]:
    """The format, its main file, and how that was verified; or why there is none."""
    try:
        path = folder / f"digits{usual_suffix(name)}"
        done = convert(trainer.lightning_module, path, name, trainer=trainer)
    except LeydenError as error:
        return name, "", f"failed: {error}"
    first, *others = map(str, done.paths)
    if done.max_error is not None:
        return name, first, f"maximum error {done.max_error:.1e}"
    return name, first, "weights are equal" if f"{first}.json" in others else "not verified"
