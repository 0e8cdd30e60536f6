"""What each profiler says of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerAction
from torch.utils.data import DataLoader

from leyden import Callback, LightningModule, Trainer
from leyden.errors import ConfigurationError
from leyden.interfaces.profiler import Profiler
from leyden_profiler import AdvancedProfiler, PassThroughProfiler, PyTorchProfiler, SimpleProfiler

BATCHES = 6


class Model(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        with self.trainer.profiler.profile("own"):
            return self.layer(batch).sum()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.layer(batch)

    test_step = validation_step

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Clips(Model):
    def configure_gradient_clipping(self, optimizer: Any, *_: Any) -> None:
        self.clip_gradients(optimizer, 1.0, "norm")

    def train_dataloader(self) -> Any:
        return data()


class ThroughUser(Model):
    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any) -> None:
        optimizer.step(closure=optimizer_closure)


class Manual(Model):
    automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> None:
        self.manual_backward(self.layer(batch).sum())
        self.optimizers().step()


class Named(Callback):
    def on_train_batch_end(self, *_: Any) -> None:
        pass


def data() -> DataLoader[Any]:
    return DataLoader(torch.zeros(2 * BATCHES, 4), batch_size=2)


def quiet(profiler: Any, folder: Path, **options: Any) -> Trainer:
    silent = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    few = {"max_epochs": 2, "num_sanity_val_steps": 0, "logger": False, "default_root_dir": folder}
    return Trainer(profiler=profiler, accelerator="cpu", **{**silent, **few, **options})


def counted(model: Any, folder: Path, **options: Any) -> dict[str, int]:
    """How often each action of a fit ran."""
    profiler = SimpleProfiler()
    quiet(profiler, folder, **options).fit(model, data(), data())
    return {name: len(times) for name, times in profiler.recorded_durations.items()}


def test_methods_of_the_module_are_counted(tmp_path: Path) -> None:
    profiler = SimpleProfiler()
    model = Clips()
    quiet(profiler, tmp_path).fit(model, val_dataloaders=data())
    found = {name: len(times) for name, times in profiler.recorded_durations.items()}
    once = {f"[LightningModule]Clips.{name}": 1 for name in ("configure_optimizers", "train_dataloader")}
    assert once.items() <= found.items()
    assert found["[LightningModule]Clips.configure_gradient_clipping"] == 2 * BATCHES
    assert found["[LightningModule]Clips.optimizer_step"] == 2 * BATCHES


def test_every_action_is_counted(tmp_path: Path) -> None:
    found = counted(Model(), tmp_path, callbacks=[Named()])
    steps = 2 * BATCHES
    wanted = {
        "own": steps,
        "run_training_epoch": 2,
        "run_training_batch": steps,
        "[_TrainingEpochLoop].train_dataloader_next": steps + 0,
        "[_EvaluationLoop].val_next": found["[_EvaluationLoop].val_next"],
        "[Strategy]SingleDeviceStrategy.training_step": steps,
        "[Strategy]SingleDeviceStrategy.backward": steps,
        "[Strategy]SingleDeviceStrategy.validation_step": steps,
        "[LightningModule]Model.optimizer_zero_grad": steps,
        "[LightningModule]Model.optimizer_step": steps,
        "[Callback]Named.on_train_batch_end": steps,
    }
    assert {name: found[name] for name in wanted} == wanted
    assert found["[_EvaluationLoop].val_next"] in (steps, steps + 2)  # with or without the ends of the passes


def test_an_overridden_optimizer_step_holds_the_whole_step(tmp_path: Path) -> None:
    profiler = SimpleProfiler()
    quiet(profiler, tmp_path).fit(ThroughUser(), data(), data())
    times = {name: sum(values) for name, values in profiler.recorded_durations.items()}
    inner = (
        times["[Strategy]SingleDeviceStrategy.training_step"]
        + times["[Strategy]SingleDeviceStrategy.backward"]
    )
    assert times["[LightningModule]ThroughUser.optimizer_step"] > inner


def test_manual_optimization(tmp_path: Path) -> None:
    found = counted(Manual(), tmp_path)
    assert found["[Strategy]SingleDeviceStrategy.backward"] == found["run_training_batch"] == 2 * BATCHES


def test_checkpoints(tmp_path: Path) -> None:
    found = counted(Model(), tmp_path, enable_checkpointing=True)
    assert found["save_checkpoint"] == 2


def test_everything_is_given_back(tmp_path: Path) -> None:
    trainer = quiet("simple", tmp_path)
    model = Model()
    trainer.fit(model, data(), data())
    session = trainer.running
    assert "save_checkpoint" not in vars(trainer) and "evaluation" not in vars(session)
    assert "iterate" not in vars(session.data.train)
    assert session.step.__class__.__module__ == "leyden.api.steps" and "backward" not in vars(session.step)
    trainer.save_checkpoint(tmp_path / "after.ckpt")
    assert "save_checkpoint" not in trainer.profiler.recorded_durations


def test_an_exception_leaves_nothing_behind(tmp_path: Path) -> None:
    class Fails(Model):
        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            raise KeyError("no")

    trainer = quiet("simple", tmp_path)
    with pytest.raises(KeyError):
        trainer.fit(Fails(), data(), data())
    assert "save_checkpoint" not in vars(trainer)
    assert not trainer.profiler.current_actions
    trainer.fit(Model(), data(), data())


@pytest.mark.parametrize("extended", [True, False])
def test_the_report_is_a_file(tmp_path: Path, extended: bool) -> None:
    profiler = SimpleProfiler(dirpath=tmp_path, filename="times", extended=extended)
    trainer = quiet(profiler, tmp_path)
    trainer.fit(Model(), data(), data())
    trainer.test(Model(), data(), verbose=False)
    fit, test = (tmp_path / f"{stage}-times.txt" for stage in ("fit", "test"))
    assert fit.read_text().startswith("FIT Profiler Report") and "training_step" in fit.read_text()
    assert ("Percentage %" in fit.read_text()) is extended
    assert "test_step" in test.read_text()


def test_the_report_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        quiet("simple", tmp_path).fit(Model(), data(), data())
    assert "FIT Profiler Report" in caplog.text


def test_simple_refuses_what_does_not_fit_together() -> None:
    profiler = SimpleProfiler()
    profiler.start("a")
    with pytest.raises(ValueError, match="already started"):
        profiler.start("a")
    with pytest.raises(ValueError, match="never started"):
        profiler.stop("b")


def test_without_a_profiler_nothing_is_bound(tmp_path: Path) -> None:
    trainer = quiet(None, tmp_path)
    trainer.fit(Model(), data(), data())
    assert isinstance(trainer.profiler, PassThroughProfiler)
    assert not [
        one for one in trainer.running.manager.participants if type(one.target).__name__ == "Measured"
    ]


def test_own_profilers(tmp_path: Path) -> None:
    class Names(Profiler):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def start(self, action_name: str) -> None:
            self.seen.append(action_name)

        def stop(self, action_name: str) -> None:
            assert action_name in self.seen

    profiler = Names()
    quiet(profiler, tmp_path).fit(Model(), data(), data())
    assert "run_training_epoch" in profiler.seen


# -- advanced ----------------------------------------------------------------------------------------------------


def test_advanced_names_functions(tmp_path: Path) -> None:
    profiler = AdvancedProfiler(
        dirpath=tmp_path, filename="functions", line_count_restriction=5, dump_stats=True
    )
    quiet(profiler, tmp_path).fit(Model(), data(), data())
    text = (tmp_path / "fit-functions.txt").read_text()
    assert "Profile stats for: run_training_epoch\n" in text and "ncalls" in text
    assert any(path.name.startswith("fit-functions-") for path in tmp_path.glob("*.prof"))


def test_advanced_returns_to_the_outer_action() -> None:
    def late() -> None:
        pass

    profiler = AdvancedProfiler()
    with profiler.profile("outer"):
        with profiler.profile("inner"):
            pass
        late()
    outer = profiler.summary().partition("Profile stats for: inner")[0]
    assert "(late)" in outer


def test_advanced_needs_a_folder_for_its_dumps(tmp_path: Path) -> None:
    profiler = AdvancedProfiler(dump_stats=True)
    with pytest.raises(ConfigurationError, match="dump_stats=True.*dirpath"):
        profiler.setup("fit")
    with pytest.raises(ValueError, match="never started"):
        profiler.stop("b")


# -- pytorch -----------------------------------------------------------------------------------------------------


def traces(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.glob("*.pt.trace.json"))


def test_pytorch_writes_traces_and_a_table(tmp_path: Path) -> None:
    profiler = PyTorchProfiler(dirpath=tmp_path, filename="ops", row_limit=-1)
    quiet(profiler, tmp_path).fit(Model(), data(), data())
    assert traces(tmp_path) == [
        "fit-ops-[Strategy]SingleDeviceStrategy",
        "fit-ops-[Strategy]SingleDeviceStrategy",
    ]
    text = (tmp_path / "fit-ops.txt").read_text()
    assert "aten::linear" in text and "[pl][module]" in text
    for path in tmp_path.glob("*.pt.trace.json"):
        assert json.loads(path.read_text())["traceEvents"]


def test_pytorch_records_short_runs(tmp_path: Path) -> None:
    profiler = PyTorchProfiler(dirpath=tmp_path, filename="ops")
    with pytest.warns(UserWarning, match="profiler-schedule"):
        quiet(profiler, tmp_path, fast_dev_run=2).fit(Model(), data(), data())
    assert "aten::linear" in (tmp_path / "fit-ops.txt").read_text()


def test_pytorch_without_a_folder_says_so() -> None:
    profiler = PyTorchProfiler()
    with pytest.warns(UserWarning, match="profiler-no-folder"):
        for _ in range(BATCHES):
            with profiler.profile("training_step"):
                pass
    profiler.teardown(None)


def test_pytorch_takes_a_schedule(tmp_path: Path) -> None:
    asked = []

    def schedule(step: int) -> ProfilerAction:
        asked.append(step)
        return ProfilerAction.RECORD_AND_SAVE if step == 2 else ProfilerAction.RECORD

    profiler = PyTorchProfiler(dirpath=tmp_path, schedule=schedule, on_trace_ready=lambda one: None)
    quiet(profiler, tmp_path, max_epochs=1).fit(Model(), data(), data())
    assert asked == [0, 1, 2, 1, 2]  # when it was checked; then training, and validation
    assert not traces(tmp_path)


@pytest.mark.parametrize(
    ("keywords", "error", "match"),
    [
        ({"sort_by_key": "time"}, ValueError, "sort_by_key='time'"),
        ({"schedule": 1}, ConfigurationError, "should be a callable"),
        ({"schedule": lambda step: step}, ConfigurationError, "should return"),
        ({"table_kwargs": {"row_limit": 1}}, KeyError, "already a positional"),
        ({"table_kwargs": {"rows": 1}}, KeyError, "rows"),
        ({"profile_memroy": True}, TypeError, "profile_memroy"),
    ],
    ids=["sort", "schedule", "schedule's answer", "table", "table's name", "keyword"],
)
def test_pytorch_refuses(keywords: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        PyTorchProfiler(**keywords)


class Last:
    def leyden_finalize(self, trainer: Any, pl_module: Any, status: str) -> None:
        pass


def test_nothing_is_measured_after_the_report(tmp_path: Path) -> None:
    profiler = PyTorchProfiler(tmp_path, "operators")
    trainer = quiet(profiler, tmp_path, logger=True)
    trainer.add_listener(Last())
    trainer.fit(Model(), data(), data())
    assert profiler.profiler is None, (
        "it was opened again, and an open profiler ends the process with a fault"
    )
    assert not torch.autograd._profiler_enabled()
