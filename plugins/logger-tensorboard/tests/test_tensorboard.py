from __future__ import annotations

import copy
import gc
import inspect
import pickle
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.utils.tensorboard import SummaryWriter

from leyden.api import rank_zero
from leyden.api.record import Record
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_logger_tensorboard import TensorBoardLogger
from leyden_logger_tensorboard.options import CHECKS


def read(folder: str | Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0, "scalars": 0}).Reload()


def points(folder: str | Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def tags(folder: str | Path) -> set[str]:
    return set(read(folder).Tags()["scalars"])


def hparams_of(folder: str | Path, part: str) -> Any:
    found = read(folder).summary_metadata[f"_hparams_/{part}"].plugin_data.content
    return getattr(HParamsPluginData.FromString(found), part)


@pytest.fixture
def second_rank() -> Iterator[None]:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    yield
    rank_zero.set_rank(before)


def test_files_and_folders(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, name="mine", version=7, sub_dir="part")
    assert list(tmp_path.iterdir()) == []
    logger.log_metrics({"loss": 1.5}, step=3)
    logger.finalize("success")
    assert (logger.name, logger.version, logger.sub_dir) == ("mine", 7, "part")
    assert logger.save_dir == str(tmp_path)
    assert logger.root_dir == str(tmp_path / "mine")
    assert logger.log_dir == str(tmp_path / "mine" / "version_7" / "part")
    names = sorted(path.name for path in Path(logger.log_dir).iterdir())
    assert len(names) == 2 and names[0].startswith("events.out.tfevents") and names[1] == "hparams.yaml"
    assert points(logger.log_dir, "loss") == [(3, 1.5)]


def test_torch_is_imported_with_the_first_use(tmp_path: Path) -> None:
    program = f"""
import sys
from leyden_logger_tensorboard import TensorBoardLogger
logger = TensorBoardLogger({str(tmp_path)!r})
print({{"torch", "tensorboard", "yaml"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_values_of_all_kinds(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    logger.log_metrics({"a": torch.tensor([0.5]), "b": 2, "c": True}, 0)
    logger.log_metrics({"a": float("inf")}, 1)
    logger.save()
    assert points(logger.log_dir, "a") == [(0, 0.5), (1, float("inf"))]
    assert points(logger.log_dir, "b") == [(0, 2.0)]
    assert points(logger.log_dir, "c") == [(0, 1.0)]


@pytest.mark.parametrize("value", ["text", None, [1.0], torch.zeros(2), {"x": "text"}])
def test_values_that_are_no_numbers(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^metrics\['loss.*logger\.experiment"):
        TensorBoardLogger(tmp_path).log_metrics({"loss": value}, 0)


def test_a_dict_becomes_several_curves(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    for step in range(2):
        logger.log_metrics({"loss": {"train": 1.0 + step, "val": torch.tensor(2.0)}}, step)
    logger.save()
    assert points(Path(logger.log_dir, "loss_train"), "loss") == [(0, 1.0), (1, 2.0)]
    assert points(Path(logger.log_dir, "loss_val"), "loss") == [(0, 2.0), (1, 2.0)]


def test_metrics_without_a_step_are_counted(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    for step in (None, None, 10, None):
        logger.log_metrics({"a": 1.0}, step)
    logger.save()
    assert [step for step, _ in points(logger.log_dir, "a")] == [0, 1, 10, 11]


def test_the_prefix(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, prefix="run1")
    logger.log_metrics({"a": 1.0}, 0)
    logger.log_hyperparams({"lr": 1})
    logger.save()
    assert tags(logger.log_dir) == {"run1-a", "run1-hp_metric"}
    (metric,) = hparams_of(logger.log_dir, "experiment").metric_infos
    assert metric.name.tag == "run1-hp_metric"


def test_a_record_with_axes(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    record: dict[str, Any] = {"epoch": 3, "batch": 20, "phase": "train"}
    logger.log_record(Record({"a": 1.0, "b": 2.0}, 9, **record, axes={"b": 3}))
    logger.log_record(Record({"c": 5.0}, 10, **record, with_epoch=False))
    logger.save()
    found = {tag: points(logger.log_dir, tag) for tag in tags(logger.log_dir)}
    assert found == {"a": [(9, 1.0)], "b": [(3, 2.0)], "c": [(10, 5.0)], "epoch": [(9, 3.0)]}


def test_hyper_parameters_get_a_place_holder(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    logger.log_hyperparams(
        {"lr": 0.1, "net": {"sizes": (1, 2), "act": torch.nn.ReLU}, "seed": None, "on": True}
    )
    logger.finalize("success")
    assert points(logger.log_dir, "hp_metric") == [(0, -1.0)]
    start = hparams_of(logger.log_dir, "session_start_info").hparams
    assert start["lr"].number_value == 0.1
    assert start["net/sizes"].string_value == "[1, 2]"
    assert start["net/act"].string_value == "torch.nn.modules.activation.ReLU"
    assert start["seed"].string_value == "None"
    assert start["on"].number_value == 1
    assert yaml.safe_load(Path(logger.log_dir, "hparams.yaml").read_text()) == {
        "lr": 0.1,
        "net": {"sizes": [1, 2], "act": "torch.nn.modules.activation.ReLU"},
        "seed": None,
        "on": True,
    }


@pytest.mark.parametrize("metrics", [{"hp/acc": 0.5}, 0.5])
def test_hyper_parameters_with_metrics_stay_in_one_run(tmp_path: Path, metrics: Any) -> None:
    logger = TensorBoardLogger(tmp_path, default_hp_metric=False)
    logger.log_hyperparams(Namespace(lr=0.1))
    logger.log_hyperparams(Namespace(lr=0.1), metrics, step=4)
    logger.finalize("success")
    tag = "hp/acc" if isinstance(metrics, dict) else "hp_metric"
    assert points(logger.log_dir, tag) == [(4, 0.5)]
    assert [one.name.tag for one in hparams_of(logger.log_dir, "experiment").metric_infos] == [tag]
    assert [path for path in Path(logger.log_dir).rglob("*") if path.is_dir()] == []


def test_no_place_holder_when_it_is_switched_off(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, default_hp_metric=False)
    logger.log_hyperparams({"lr": 0.1})
    logger.finalize("success")
    assert yaml.safe_load(Path(logger.log_dir, "hparams.yaml").read_text()) == {"lr": 0.1}
    assert list(Path(logger.log_dir).glob("events*")) == []


def test_a_version_that_exists_is_continued(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        logger = TensorBoardLogger(tmp_path, version="mine", filename_suffix=f".{value}")
        logger.log_metrics({"a": value}, int(value))
        logger.log_hyperparams({"value": value})
        logger.finalize("success")
    assert points(logger.log_dir, "a") == [(1, 1.0), (2, 2.0)]
    assert yaml.safe_load(Path(logger.log_dir, "hparams.yaml").read_text()) == {"value": 2.0}


def test_a_finalized_logger_goes_on(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    for step in range(3):
        logger.log_metrics({"a": 1.0}, step)
        logger.finalize("success")
    assert [step for step, _ in points(logger.log_dir, "a")] == [0, 1, 2]


def test_nothing_is_lost_when_the_program_fails(tmp_path: Path) -> None:
    program = f"""
from leyden_logger_tensorboard import TensorBoardLogger
logger = TensorBoardLogger({str(tmp_path)!r}, flush_secs=1000, max_queue=100)
for step in range(5):
    logger.log_metrics({{"a": step}}, step)
raise ValueError("boom")
"""
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    found = points(tmp_path / "lightning_logs" / "version_0", "a")
    assert found == [(step, float(step)) for step in range(5)]


def test_nothing_is_lost_when_the_logger_goes(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, flush_secs=1000, max_queue=100)
    logger.log_metrics({"a": 1.0}, 0)
    folder = logger.log_dir
    del logger
    gc.collect()
    assert points(folder, "a") == [(0, 1.0)]


def test_the_place_holder_does_not_cover_a_value(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    logger.log_hyperparams({"lr": 0.1})
    logger.log_metrics({"hp_metric": 0.75}, 9)
    logger.log_hyperparams({"lr": 0.1})
    logger.finalize("success")
    assert points(logger.log_dir, "hp_metric") == [(0, -1.0), (9, 0.75)]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda logger: pickle.loads(pickle.dumps(logger))])
def test_copies_go_on_in_the_same_folder(tmp_path: Path, duplicate: Any) -> None:
    logger = TensorBoardLogger(tmp_path, filename_suffix=".first")
    logger.log_metrics({"a": 1.0}, 0)
    logger.save()
    other = duplicate(logger)
    other.log_metrics({"a": 2.0}, 1)
    other.finalize("success")
    logger.finalize("success")
    assert sorted(points(logger.log_dir, "a")) == [(0, 1.0), (1, 2.0)]


@pytest.mark.usefixtures("second_rank")
def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    logger.log_metrics({"a": 1.0}, 0)
    logger.log_hyperparams({"lr": 1})
    assert logger.experiment.add_image("image", torch.zeros(3, 2, 2), 0) is None
    logger.log_graph(Model())
    logger.finalize("success")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(AttributeError):
        copy.copy(logger.experiment).__length_hint__()


class Model(torch.nn.Module):
    def __init__(self, example: Any = None) -> None:
        super().__init__()
        self.frozen = torch.nn.BatchNorm1d(2).eval()
        self.layers = torch.nn.Sequential(
            torch.nn.BatchNorm1d(2), torch.nn.Dropout(0.5), torch.nn.Linear(2, 1)
        )
        self.example_input_array = example

    def forward(self, x: Any) -> Any:
        return self.layers(self.frozen(x)) + torch.rand(1)


def test_the_graph(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    logger.log_graph(Model(torch.zeros(3, 2)))
    logger.save()
    events = read(logger.log_dir)
    assert events.Tags()["graph"] is True
    assert any("Linear" in node.name for node in events.Graph().node)


def test_the_graph_of_a_given_input(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    logger.log_graph(Model(), torch.zeros(3, 2))
    logger.save()
    assert read(logger.log_dir).Tags()["graph"] is True


def test_drawing_the_graph_changes_nothing(tmp_path: Path) -> None:
    model = Model(torch.ones(3, 2))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(1)
    generator = torch.get_rng_state()
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    logger.log_graph(model)
    logger.finalize("success")
    assert torch.equal(torch.get_rng_state(), generator)
    assert [one.training for one in (model, model.frozen, model.layers, *model.layers)] == [
        True, False, True, True, True, True,
    ]  # fmt: skip
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_no_graph_unless_asked(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path)
    logger.log_graph(Model(torch.zeros(3, 2)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("example", [None, {"x": torch.zeros(3, 2)}])
def test_a_graph_without_a_sample_is_a_warning(tmp_path: Path, example: Any) -> None:
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    with pytest.warns(UserWarning, match=r"^\[tensorboard-graph\].*Set self\.example_input_array in Model"):
        logger.log_graph(Model(example))
    logger.save()
    assert read(logger.log_dir).Tags()["graph"] is False


def test_a_module_that_cannot_be_traced_is_an_error(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, log_graph=True)
    with pytest.raises(ConfigurationError, match=r"Model cannot be traced.*Set log_graph=False") as caught:
        logger.log_graph(Model(torch.zeros(3, 5)))
    assert caught.value.__cause__ is not None


def test_the_keywords_are_those_of_summary_writer(tmp_path: Path) -> None:
    ours = set(CHECKS) | {"self", "log_dir", "comment"}
    assert ours == set(inspect.signature(SummaryWriter.__init__).parameters)
    given: dict[str, Any] = {"purge_step": 3, "max_queue": 2, "flush_secs": 30, "filename_suffix": ".mine"}
    logger = TensorBoardLogger(tmp_path, **given)
    writer = logger.experiment
    assert (writer.max_queue, writer.flush_secs, writer.filename_suffix) == (2, 30, ".mine")
    logger.finalize("success")


def test_purge_step_hides_what_a_resumed_run_repeats(tmp_path: Path) -> None:
    for value, purge, steps in ((1.0, None, range(5)), (2.0, 3, range(3, 6))):
        logger = TensorBoardLogger(tmp_path, version="mine", purge_step=purge, filename_suffix=f".{value}")
        for step in steps:
            logger.log_metrics({"a": value}, step)
        logger.finalize("success")
    assert points(logger.log_dir, "a") == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0), (5, 2.0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_queue": 0}, "^max_queue="),
        ({"max_queue": 1.5}, "^max_queue="),
        ({"flush_secs": 0}, "^flush_secs="),
        ({"flush_secs": True}, "^flush_secs="),
        ({"purge_step": -1}, "^purge_step="),
        ({"filename_suffix": 3}, "^filename_suffix="),
        ({"log_dir": "x"}, "^log_dir=.*sub_dir"),
        ({"comment": "x"}, "^comment=.*sub_dir"),
        ({"flush_sec": 3}, "no argument 'flush_sec'.*Did you mean 'flush_secs'"),
        ({"prefix": None}, "^prefix="),
        ({"sub_dir": "../elsewhere"}, "^sub_dir="),
        ({"name": "/etc"}, "^name="),
        ({"version": 1.5}, "^version="),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TensorBoardLogger(**{"save_dir": tmp_path, **arguments})
    assert list(tmp_path.iterdir()) == []
