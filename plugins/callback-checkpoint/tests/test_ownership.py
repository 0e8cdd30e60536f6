from __future__ import annotations

import os
from typing import Any

import pytest
import torch

from leyden import Callback

BEST: dict[str, Any] = {"monitor": "val_loss", "save_top_k": 2}


def falling(step: int) -> float:
    return 1 / (1 + step)


def rising(step: int) -> float:
    return float(step)


class Within(Callback):
    """Runs a whole other fit when an epoch ends."""

    def __init__(self, run: Any) -> None:
        self.run = run

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == 1:
            self.run()


@pytest.mark.parametrize(
    "arguments", [{}, BEST, {"filename": "fixed"}, {"save_last": True, "save_top_k": -1}]
)
def test_two_runs_at_once_keep_their_files(bench: Any, arguments: dict[str, Any]) -> None:
    inner, outer = bench.checkpoint(**arguments), bench.checkpoint(**arguments)

    def run() -> None:
        bench.fit(inner, batches=2, max_epochs=3, score=rising)

    with torch.enable_grad():
        bench.fit(outer, Within(run), batches=2, max_epochs=3, score=falling)
    held = [
        set(one.best_k_models) | {one.best_model_path} | {one.last_model_path} - {""}
        for one in (inner, outer)
    ]
    assert not held[0] & held[1]
    known = {os.path.relpath(path, bench.folder / "ckpts") for path in held[0] | held[1]}
    assert known <= set(bench.files())
    if arguments.get("save_top_k") != -1:
        assert known == set(bench.files())


def test_files_of_unknown_origin_are_left_alone(bench: Any) -> None:
    folder = bench.folder / "ckpts"
    folder.mkdir()
    names = ("epoch=0-step=2.ckpt", "epoch=1-step=4-v1.ckpt", "last.ckpt")
    for name in names:
        (folder / name).write_text("not ours")
    bench.fit(bench.checkpoint(save_last=True), max_epochs=2)
    assert [(folder / name).read_text() for name in names] == ["not ours"] * 3
    assert bench.files() == [
        "epoch=0-step=2.ckpt",
        "epoch=1-step=4-v1.ckpt",
        "epoch=1-step=4.ckpt",
        "last-v1.ckpt",
        "last.ckpt",
    ]


def test_the_manifest_knows_what_is_there(bench: Any) -> None:
    bench.fit(
        bench.checkpoint(**BEST, filename="e{epoch}/{step}", save_last=True), max_epochs=4, score=falling
    )
    assert len(bench.files()) == 3
    assert bench.records() == bench.files()


def test_two_callbacks_in_one_folder(bench: Any) -> None:
    best, latest = bench.checkpoint(monitor="val_loss"), bench.checkpoint(every_n_train_steps=1)
    bench.fit(best, latest, max_epochs=2, score=rising)
    assert bench.files() == ["epoch=0-step=2-v1.ckpt", "epoch=1-step=4.ckpt"]
    assert bench.read(best.best_model_path)["global_step"] == 2
    assert bench.read(latest.best_model_path)["global_step"] == 4


def test_names_of_files_removed_by_hand_are_used_again(bench: Any) -> None:
    bench.fit(bench.checkpoint(save_last=True), max_epochs=1)
    for file in (bench.folder / "ckpts").glob("*.ckpt"):
        file.unlink()
    bench.fit(bench.checkpoint(save_last=True), max_epochs=1)
    assert bench.files() == ["epoch=0-step=2.ckpt", "last.ckpt"]
