from __future__ import annotations

import os
from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostCheckpointIO, TinyData, TinyModule
from leyden_callback_on_exception_checkpoint import OnExceptionCheckpoint


class Failing(Callback):
    def __init__(self, hook: str, error: type[BaseException] = ValueError, epoch: int = 1) -> None:
        def fail(trainer: Any, *args: Any) -> None:
            if trainer.current_epoch == epoch:
                raise error("here")

        setattr(self, hook, fail)


def weights(module: Any) -> Any:
    return {name: one.tolist() for name, one in module.state_dict().items()}


HOOKS = [
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_optimizer_step",
    "on_validation_end",
    "on_train_epoch_end",
]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("hook", HOOKS)
def test_it_saves_resumes_and_removes(bench: Any, hook: str, error: type[BaseException]) -> None:
    whole = TinyModule()
    never = OnExceptionCheckpoint(bench.folder / "never")
    bench.trainer(never, max_epochs=3).fit(whole, TinyData())
    kept = OnExceptionCheckpoint(bench.folder / "kept")
    trainer = bench.trainer(Failing(hook, error), kept, max_epochs=3)
    if error is KeyboardInterrupt:
        trainer.fit(TinyModule(), TinyData())
        assert trainer.interrupted
    else:
        with pytest.raises(ValueError, match="^here"):
            trainer.fit(TinyModule(), TinyData())
    assert os.path.exists(kept.ckpt_path)
    assert torch.load(kept.ckpt_path)["epoch"] == 1
    module = TinyModule()
    trainer = bench.trainer(OnExceptionCheckpoint(bench.folder / "kept"), max_epochs=3)
    trainer.fit(module, TinyData())
    assert trainer.ckpt_path == kept.ckpt_path
    assert weights(module) == weights(whole)
    assert not os.path.exists(kept.ckpt_path)


def module(bench: Any) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.trainer.current_epoch == 1 and batch_idx == 1 and self.fails:
                raise ValueError("here")
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.1)

    torch.manual_seed(0)
    made = Module()
    made.fails = True  # type: ignore[assignment]
    return made


def test_as_lightning(both: Any) -> None:
    """The same file."""
    found = []
    for bench in both:
        callback = bench.callbacks.OnExceptionCheckpoint(bench.folder, filename="a")
        with pytest.raises(ValueError, match="here"):
            bench.fit(module(bench), callback)
        saved = torch.load(callback.ckpt_path, weights_only=True)
        found.append([{name: one.tolist() for name, one in saved["state_dict"].items()}, saved["epoch"]])
        found[-1] += [
            saved["global_step"],
            os.path.relpath(callback.ckpt_path, bench.folder),
            callback.dirpath.name,
        ]
        found[-1][-1] = callback.filename
    assert found[0] == found[1]


class Refusing(HostCheckpointIO):
    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        raise OSError("the disk is full")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_cannot_be_written(run: Any, error: type[BaseException], tmp_path: Any) -> None:
    outcome = run(
        "fit",
        callbacks=[Failing("on_train_batch_end", error, 0), OnExceptionCheckpoint(tmp_path)],
        plugins=[Refusing()],
    )
    text = "on_exception.ckpt could not be saved: OSError: the disk is full"
    assert any(one.startswith("[on-exception-unsaved]") and one.endswith(text) for one in outcome.warnings)
    if error is ValueError:
        assert type(outcome.exception) is ValueError and str(outcome.exception) == "here"
        assert any(one.endswith(text) for one in outcome.exception.__notes__)
    else:
        assert outcome.exception is None and outcome.trainer.interrupted


def test_nothing_is_saved_where_nothing_can_be_resumed(run: Any, tmp_path: Any) -> None:
    kept = OnExceptionCheckpoint(tmp_path)
    for stage, method in (
        ("fit", "setup"),
        ("validate", "validation_step"),
        ("test", "test_step"),
        ("predict", "predict_step"),
    ):
        outcome = run(stage, module=TinyModule(fail_in=method), callbacks=[kept])
        assert isinstance(outcome.exception, RuntimeError)
        assert not os.path.exists(kept.ckpt_path), stage


def test_only_a_fit_that_ends_well_removes_it(run: Any, tmp_path: Any) -> None:
    kept = OnExceptionCheckpoint(tmp_path)
    run("fit", callbacks=[kept, Failing("on_train_batch_end", ValueError, 0)])
    assert os.path.exists(kept.ckpt_path)
    run("validate", "test", "predict", callbacks=[kept]).ok()
    assert os.path.exists(kept.ckpt_path)
    run("fit", callbacks=[kept], rank=1)
    assert os.path.exists(kept.ckpt_path)
    run("fit", callbacks=[kept]).ok()
    assert not os.path.exists(kept.ckpt_path)


def test_a_path_that_is_given_counts(bench: Any, tmp_path: Any) -> None:
    kept, path = OnExceptionCheckpoint(tmp_path), tmp_path / "b.ckpt"
    trainer = bench.trainer(OnExceptionCheckpoint(tmp_path, "other"), max_epochs=1)
    trainer.fit(TinyModule(), TinyData())
    for name in (path, kept.ckpt_path):
        trainer.save_checkpoint(name)
    trainer = bench.trainer(kept, max_epochs=2)
    trainer.fit(TinyModule(), TinyData(), ckpt_path=path)
    assert trainer.ckpt_path == str(path)


def test_without_a_file_a_fit_begins_anew(bench: Any, tmp_path: Any) -> None:
    trainer = bench.trainer(OnExceptionCheckpoint(tmp_path), max_epochs=1)
    trainer.fit(TinyModule(), TinyData())
    assert (trainer.ckpt_path, trainer.global_step) == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"dirpath": None}, ArgumentTypeError),
        ({"dirpath": 3}, ArgumentTypeError),
        ({"dirpath": ".", "filename": ""}, ConfigurationError),
        ({"dirpath": ".", "filename": None}, ArgumentTypeError),
    ],
    ids=repr,
)
def test_arguments(arguments: Any, kind: type[Exception]) -> None:
    with pytest.raises(ValueError) as caught:
        OnExceptionCheckpoint(**arguments)
    assert type(caught.value) is kind


def test_several_with_files_of_their_own(run: Any, tmp_path: Any) -> None:
    both = [OnExceptionCheckpoint(tmp_path, name) for name in "ab"]
    run("fit", callbacks=[*both, Failing("on_train_batch_end", ValueError, 0)])
    assert {"a.ckpt", "b.ckpt"} <= set(os.listdir(tmp_path))
    assert both[0].state_key != both[1].state_key
