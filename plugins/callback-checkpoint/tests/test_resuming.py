from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from leyden.errors import CheckpointError
from leyden.interfaces import Precision

BEST: dict[str, Any] = {"monitor": "val_loss", "save_top_k": 2}


def falling(step: int) -> float:
    return 1 / (1 + step)


def rising(step: int) -> float:
    return float(step)


def test_interrupted_and_resumed_is_like_uninterrupted(bench: Any) -> None:
    arguments = {**BEST, "save_last": True}
    whole = bench.checkpoint("whole", **arguments)
    bench.fit(whole, max_epochs=6, score=lambda step: abs(7 - step))
    with pytest.raises(InterruptedError):
        bench.fit(
            bench.checkpoint(**arguments), bench.fail_at(7), max_epochs=6, score=lambda step: abs(7 - step)
        )
    again = bench.checkpoint(**arguments)
    bench.fit(
        again, max_epochs=6, score=lambda step: abs(7 - step), ckpt_path=bench.folder / "ckpts" / "last.ckpt"
    )
    assert bench.files() == bench.files("whole")
    state = bench.state(whole)
    assert repr(bench.state(again)) == repr(state).replace("/whole", "/ckpts")


def killed(bench: Any) -> None:
    """Let it look as if the processes of all runs in the folder had been killed."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    for record in (bench.folder / "ckpts" / ".leyden-manifest" / "runs").iterdir():
        record.write_text(
            json.dumps({**json.loads(record.read_text()), "pid": process.pid, "status": "running"})
        )


@pytest.mark.parametrize("was_killed", [True, False])
def test_killed_between_the_best_and_the_last(bench: Any, full: Any, was_killed: bool) -> None:
    arguments = {**BEST, "save_last": True}
    with pytest.raises(CheckpointError):
        bench.fit(bench.checkpoint(**arguments), max_epochs=9, score=falling, plugins=[Precision(), full(5)])
    assert bench.files() == ["epoch=1-step=4.ckpt", "epoch=2-step=6.ckpt", "last.ckpt"]
    if was_killed:
        killed(bench)
    again = bench.checkpoint(**arguments)
    last = bench.folder / "ckpts" / "last.ckpt"
    with nullcontext() if was_killed else pytest.warns(UserWarning, match="checkpoint-gone.*epoch=0-step=2"):
        bench.fit(again, max_epochs=3, score=falling, ckpt_path=last, warns=not was_killed)
    version = "" if was_killed else "-v1"
    assert bench.plain(again.best_model_path) == f"/ckpts/epoch=2-step=6{version}.ckpt"
    assert (bench.folder / "ckpts" / "epoch=2-step=6-v1.ckpt").exists() is not was_killed
    assert bench.read(last)["callbacks"][again.state_key]["best_model_path"] == again.best_model_path


def test_the_step_resumed_from_is_not_saved_again(bench: Any) -> None:
    arguments = {"every_n_train_steps": 1, "save_top_k": -1}
    run = {"batches": 6, "accumulate_grad_batches": 3}
    first = bench.checkpoint(**arguments)
    with pytest.raises(InterruptedError):
        bench.fit(first, bench.fail_at(1), **run)
    again = bench.checkpoint(**arguments)
    written = bench.saves(again)
    bench.fit(again, **run, ckpt_path=first.best_model_path)
    assert written == ["epoch=0-step=2.ckpt"]


def test_the_file_resumed_from_stays(bench: Any) -> None:
    first = bench.checkpoint()
    bench.fit(first, max_epochs=1)
    bench.fit(bench.checkpoint(), max_epochs=3, ckpt_path=first.best_model_path)
    assert bench.files() == ["epoch=0-step=2.ckpt", "epoch=2-step=6.ckpt"]


def test_the_file_behind_a_link_resumed_from_stays(bench: Any) -> None:
    first = bench.checkpoint(save_last="link")
    bench.fit(first, max_epochs=1)
    bench.fit(bench.checkpoint(save_last="link"), max_epochs=3, ckpt_path=first.last_model_path)
    assert bench.files(links=False) == ["epoch=0-step=2.ckpt", "epoch=2-step=6.ckpt"]


def test_going_back_behind_a_finished_run_leaves_its_files(bench: Any) -> None:
    arguments = {**BEST, "save_last": True}
    first = bench.checkpoint(**arguments)
    bench.fit(first, max_epochs=2, score=falling)
    early = bench.folder / "early.ckpt"
    Path(first.last_model_path).rename(early)
    (bench.folder / "ckpts" / "last.ckpt").write_bytes(early.read_bytes())
    longer = bench.checkpoint(**arguments)
    bench.fit(longer, max_epochs=4, score=rising, ckpt_path=early)
    before = {name: bench.read(bench.folder / "ckpts" / name)["global_step"] for name in bench.files()}
    other = bench.checkpoint(**arguments)
    bench.fit(other, max_epochs=5, score=falling, ckpt_path=early)
    now = {name: bench.read(bench.folder / "ckpts" / name)["global_step"] for name in bench.files()}
    assert before.items() <= now.items()
    assert sorted(set(now) - set(before)) == ["epoch=3-step=8.ckpt", "epoch=4-step=10.ckpt", "last-v1.ckpt"]


def test_a_moved_folder_is_found_again(bench: Any) -> None:
    bench.fit(bench.checkpoint("old", **BEST, save_last=True), max_epochs=2, score=falling)
    (bench.folder / "old").rename(bench.folder / "new")
    again = bench.checkpoint("new", **BEST, save_last=True)
    bench.fit(again, max_epochs=4, score=falling, ckpt_path=bench.folder / "new" / "last.ckpt")
    assert bench.files("new") == ["epoch=2-step=6.ckpt", "epoch=3-step=8.ckpt", "last.ckpt"]
    assert not (bench.folder / "old").exists()


def test_another_folder_starts_anew_and_remembers_the_best(bench: Any) -> None:
    first = bench.checkpoint("old", **BEST, save_last=True)
    bench.fit(first, max_epochs=2, score=lambda step: 0.5 if step == 2 else 1.0)
    second = bench.checkpoint("new", **BEST, save_last=True)
    bench.fit(second, max_epochs=4, score=lambda step: 0.7, ckpt_path=first.last_model_path)
    assert bench.files("old") == ["epoch=0-step=2.ckpt", "epoch=1-step=4.ckpt", "last.ckpt"]
    assert bench.files("new") == ["epoch=2-step=6.ckpt", "epoch=3-step=8.ckpt", "last.ckpt"]
    assert second.best_model_path == str(bench.folder / "old" / "epoch=0-step=2.ckpt")
    assert float(second.best_model_score) == 0.5
    third = bench.checkpoint("third", **BEST)
    bench.fit(third, max_epochs=5, score=lambda step: 0.1, ckpt_path=second.last_model_path)
    assert third.best_model_path == str(bench.folder / "third" / "epoch=4-step=10.ckpt")


def test_files_that_are_gone_are_named_and_forgotten(bench: Any) -> None:
    first = bench.checkpoint(**BEST, save_last=True)
    bench.fit(first, max_epochs=2, score=falling)
    os.unlink(first.best_model_path)
    second = bench.checkpoint(**BEST, save_last=True)
    with pytest.warns(UserWarning, match="checkpoint-gone.*epoch=1-step=4"):
        bench.fit(second, max_epochs=3, score=rising, ckpt_path=first.last_model_path, warns=True)
    assert bench.files() == ["epoch=0-step=2.ckpt", "epoch=2-step=6.ckpt", "last.ckpt"]
    assert second.best_model_path == str(bench.folder / "ckpts" / "epoch=0-step=2.ckpt")


def test_keeping_fewer_than_before(bench: Any) -> None:
    first = bench.checkpoint(monitor="val_loss", save_top_k=4, save_last=True)
    bench.fit(first, max_epochs=4, score=falling)
    second = bench.checkpoint(monitor="val_loss", save_top_k=2, save_last=True)
    bench.fit(second, max_epochs=5, score=falling, ckpt_path=first.last_model_path)
    assert bench.files() == ["epoch=3-step=8.ckpt", "epoch=4-step=10.ckpt", "last.ckpt"]


def test_one_callback_in_two_trainers_saves_in_both(bench: Any) -> None:
    callback = bench.checkpoint()
    written = bench.saves(callback)
    for _ in range(2):
        bench.fit(callback)
    assert written == ["epoch=0-step=2.ckpt"] * 2


def test_a_second_fit_of_one_trainer_goes_on(bench: Any) -> None:
    callback = bench.checkpoint(**BEST)
    trainer = bench.fit(callback, max_epochs=2, score=falling)
    trainer.fit_loop.max_epochs = 4
    trainer.fit(bench.module(falling), bench.loader(1), bench.loader(1))
    assert bench.files() == ["epoch=2-step=5.ckpt", "epoch=3-step=6.ckpt"]
