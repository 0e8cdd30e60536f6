from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from leyden.errors import ConfigurationError, UserCodeError
from leyden.testing import FakeDists
from leyden.tuners import OptunaTuner
from leyden_tuner_optuna import ModuleObjective, Suggestion, write_plots

X = {"x": FloatDistribution(0, 10)}


def test_the_best_is_found_and_a_seed_repeats_it(studied: Any) -> None:
    studies = [OptunaTuner().tune(studied.parabola, X, n_trials=15, seed=1) for _ in range(2)]
    first, second = ([one.params["x"] for one in study.trials] for study in studies)
    assert first == second
    assert abs(studies[0].best_params["x"] - 3) < 1


def test_a_function_is_a_space_too(studied: Any) -> None:
    study = OptunaTuner().tune(
        studied.parabola, lambda trial: {"x": trial.suggest_int("n", 0, 9)}, n_trials=3, sampler="random"
    )
    assert all(type(one.params["n"]) is int for one in study.trials)


@pytest.mark.parametrize("storage", ["study.journal", "sqlite:///study.db"])
def test_a_study_is_resumed(storage: str, studied: Any) -> None:
    given: dict[str, Any] = {"n_trials": 2, "storage": storage, "study_name": "s"}
    OptunaTuner().tune(studied.parabola, X, **given)
    with pytest.raises(ConfigurationError, match="resume=True"):
        OptunaTuner().tune(studied.parabola, X, **given)
    study = OptunaTuner().tune(studied.parabola, X, **given, resume=True)
    assert [one.number for one in study.trials] == [0, 1, 2, 3]


@pytest.mark.multiprocess
@pytest.mark.parametrize("storage", [None, "sqlite:///study.db"])
def test_several_processes(storage: str | None, studied: Any) -> None:
    study = OptunaTuner().tune(studied.pids, X, n_trials=5, n_jobs=2, storage=storage, seed=1)
    assert [one.number for one in study.trials] == [0, 1, 2, 3, 4]
    found = {one.user_attrs["pid"] for one in study.trials}
    assert len(found) == 2 and os.getpid() not in found
    assert len({one.params["x"] for one in study.trials}) == 5


@pytest.mark.multiprocess
def test_an_exception_of_another_process_comes_out(studied: Any) -> None:
    with pytest.raises(ZeroDivisionError, match="in a trial"):
        OptunaTuner().tune(studied.failing, X, n_trials=4, n_jobs=2)


def test_what_cannot_be_pickled_is_said_before_anything_runs() -> None:
    with pytest.raises(ConfigurationError, match="n_jobs=2"):
        OptunaTuner().tune(lambda params: 0.0, X, n_trials=2, n_jobs=2)


def test_exceptions_may_be_caught(studied: Any) -> None:
    study = OptunaTuner().tune(studied.failing, X, n_trials=2, catch=(ZeroDivisionError,))
    assert {one.state.name for one in study.trials} == {"FAIL"}


def test_the_progress_bar_counts_trials(studied: Any, capsys: pytest.CaptureFixture[str]) -> None:
    OptunaTuner().tune(studied.parabola, X, n_trials=3, show_progress_bar=True)
    last = capsys.readouterr().err.split("\r")[-1]
    assert "3/3" in last and "best" in last


def test_a_module_is_tuned_with_its_data_and_trainer(studied: Any) -> None:
    objective = ModuleObjective(
        studied.Line, "val_loss", studied.Numbers, {"max_epochs": 2}, {"width": 5}, seed=3
    )
    space = {
        "lr": FloatDistribution(1e-3, 0.5, log=True),
        "data.batch_size": CategoricalDistribution([4, 8]),
        "trainer.accumulate_grad_batches": IntDistribution(1, 2),
    }
    study = OptunaTuner().tune(objective, space, n_trials=6, seed=0, pruner="none")
    assert study.best_params["lr"] > 0.05
    assert list(study.trials[0].intermediate_values) == [0, 1]
    again = objective(Suggestion({**study.best_params}, study.best_trial))
    assert again == study.best_value


def test_loaders_do_as_data_and_pruned_trials_are_kept(studied: Any) -> None:
    objective = ModuleObjective(studied.Line, "val_loss", studied.loaders, {"max_epochs": 3})
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    study = OptunaTuner().tune(
        objective, lambda trial: {"lr": [0.5, 1e-4, 1e-5][trial.number]}, n_trials=3, pruner=pruner
    )
    assert [one.state.name for one in study.trials] == ["COMPLETE", "PRUNED", "PRUNED"]


@pytest.mark.filterwarnings("ignore::UserWarning:plotly")
def test_two_objectives_and_their_plots(studied: Any, tmp_path: Path) -> None:
    objective = ModuleObjective(studied.Line, ["val_loss", "width"], studied.Numbers, {"max_epochs": 1})
    space = {"lr": FloatDistribution(1e-3, 0.5, log=True), "width": IntDistribution(1, 8)}
    study = OptunaTuner().tune(
        objective, space, n_trials=6, direction=["minimize", "maximize"], seed=0, plots=tmp_path / "plots"
    )
    assert study.best_trials
    names = {one.name for one in (tmp_path / "plots").iterdir()}
    wanted = {
        f"{kind}_{i}.html" for kind in ("history", "importances", "parallel_coordinates") for i in (0, 1)
    }
    assert names == {*wanted, "pareto_front.html", "plotly.min.js"}


def test_plots_hold_what_was_tried_and_need_no_network(studied: Any, tmp_path: Path) -> None:
    study = OptunaTuner().tune(studied.parabola, X, n_trials=3, seed=0)
    paths = write_plots(study, tmp_path / "plots")
    assert [Path(one).stem for one in paths] == ["history", "importances", "parallel_coordinates"]
    text = Path(paths[0]).read_text()
    assert 'src="plotly.min.js"' in text and "cdn" not in text
    assert "Objective Value" in text
    alone = OptunaTuner().tune(studied.parabola, X, n_trials=1, seed=0)
    assert [Path(one).stem for one in write_plots(alone, tmp_path / "few")] == [
        "history",
        "parallel_coordinates",
    ]


def test_a_metric_that_is_not_logged_is_named(studied: Any) -> None:
    objective = ModuleObjective(studied.Line, "vall_loss", studied.Numbers, {"max_epochs": 1}, prune=False)
    with pytest.raises(UserCodeError, match="Did you mean 'val_loss'"):
        OptunaTuner().tune(objective, {"lr": FloatDistribution(0.1, 0.2)}, n_trials=1)


@pytest.mark.parametrize(("name", "hint"), [("lrate", "'lr'"), ("data.batchsize", "'batch_size'")])
def test_a_hyper_parameter_that_nobody_takes_is_named(name: str, hint: str, studied: Any) -> None:
    objective = ModuleObjective(studied.Line, "val_loss", studied.Numbers, {"max_epochs": 1})
    with pytest.raises(ConfigurationError, match=f"{name.partition('.')[2] or name}.*{hint}"):
        OptunaTuner().tune(objective, {name: FloatDistribution(0.1, 0.2)}, n_trials=1)


def test_ctrl_c_ends_the_study(studied: Any) -> None:
    class Interrupted(studied.Line):  # type: ignore[misc,name-defined]
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            raise KeyboardInterrupt

    objective = ModuleObjective(Interrupted, "val_loss", studied.Numbers, {"max_epochs": 1})
    with pytest.raises(KeyboardInterrupt):
        OptunaTuner().tune(objective, {"lr": FloatDistribution(0.1, 0.2)}, n_trials=3)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "n_trials"),
        ({"n_trials": 0}, "n_trials"),
        ({"n_trials": 1, "n_job": 2}, "n_jobs"),
        ({"n_trials": 1, "direction": "up"}, "direction"),
        ({"n_trials": 1, "sampler": "tpee"}, "'tpe'"),
        ({"n_trials": 1, "pruner": "medium"}, "pruner"),
        ({"n_trials": 1, "resume": True}, "resume"),
        ({"n_trials": 1, "storage": 3}, "storage"),
        ({"n_trials": 1, "timeout": -1}, "timeout"),
    ],
)
def test_options_are_checked(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        OptunaTuner().tune(lambda params: 0.0, X, **options)


@pytest.mark.parametrize("space", [{}, {"x": (0, 1)}, 3])
def test_spaces_are_checked(space: Any) -> None:
    with pytest.raises(ConfigurationError, match="space"):
        OptunaTuner().tune(lambda params: 0.0, space, n_trials=1)


def test_a_third_partys_tuner_is_one_distribution(tmp_path: Path) -> None:
    source = """
        from leyden.interfaces import Tuner

        class Grid(Tuner):
            name = "grid"

            def tune(self, objective, space, **options):
                return min((objective({"x": x}), x) for x in space)
    """
    with FakeDists(tmp_path) as dists:
        dists("acme-grid", {"leyden.tuners": {"grid": "acme_grid:Grid"}}, {"acme_grid": source})
        from leyden.plugins.components import resolve
        from leyden.tuners import Grid

        assert resolve("tuners", "grid") is Grid
        assert Grid().tune(lambda params: (params["x"] - 3) ** 2, [1, 2, 3, 4]) == (0, 3)
    import leyden.tuners

    assert "Grid" not in dir(leyden.tuners)
