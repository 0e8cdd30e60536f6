from __future__ import annotations

from typing import Any, ClassVar

import optuna
import pytest

from leyden.testing import CallbackContract, CommandContract, TunerContract
from leyden_tuner_optuna import OptunaPruningCallback

optuna.logging.set_verbosity(optuna.logging.WARNING)


class TestOptunaTuner(TunerContract):
    entry_point = "optuna"
    options: ClassVar[dict[str, Any]] = {"n_trials": 4}

    def space(self) -> Any:
        return {"x": optuna.distributions.FloatDistribution(0, 10)}


class TestOptunaPruningCallback(CallbackContract):
    entry_point = "optuna_pruning"
    spawns = False  # its trial belongs to one process; test_pruning.py runs two

    def make(self) -> OptunaPruningCallback:
        study = optuna.create_study(pruner=optuna.pruners.NopPruner())
        return OptunaPruningCallback(study.ask(), "val_loss")

    def held_by(self, component: Any) -> Any:
        return component.monitor

    @pytest.mark.filterwarnings(r"ignore:The reported value is ignored")  # one trial in two runs
    def test_two_runs_with_one_instance(self) -> None:
        super().test_two_runs_with_one_instance()

    @pytest.mark.filterwarnings(r"ignore:The reported value is ignored")
    def test_resumes(self) -> None:
        super().test_resumes()


class TestTuneCommand(CommandContract):
    entry_point = "tune"
