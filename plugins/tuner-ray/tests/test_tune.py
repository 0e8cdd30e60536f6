from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leyden.errors import ConfigurationError
from leyden.tuners import RayTuner

pytestmark = [
    pytest.mark.multiprocess,
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.usefixtures("ray_session"),
]


def training(epochs: int = 3) -> Callable[[dict[str, Any]], None]:
    """A trial's function, with all that it needs inside: Ray's processes cannot import this file."""

    def train(config: dict[str, Any]) -> None:
        import torch

        import leyden
        from leyden.callbacks import TuneReportCheckpointCallback
        from leyden.testing import TinyData, TinyModule
        from leyden_tuner_ray import restored_checkpoint

        torch.set_num_threads(1)

        class Tuned(TinyModule):
            def __init__(self, lr: float, started: float) -> None:
                super().__init__(learning_rate=lr)
                self.started = started

            def on_train_start(self) -> None:
                for group in self.optimizers().param_groups:  # a restored optimizer has the old rate
                    group["lr"] = self.learning_rate

            def on_train_epoch_start(self) -> None:
                self.log("lr", float(self.optimizers().param_groups[0]["lr"]))
                self.log("wanted", self.learning_rate)
                self.log("started", self.started)

            def validation_step(self, batch: Any, batch_idx: int) -> None:
                self.log("val_loss", self.loss(batch))
                self.log("epoch", float(self.current_epoch))

        with restored_checkpoint("run.ckpt") as path:
            started = -1.0 if path is None else float(torch.load(path)["epoch"])
            trainer = leyden.Trainer(
                max_epochs=epochs, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False, accelerator="cpu",
                callbacks=[TuneReportCheckpointCallback(filename="run.ckpt", on="train_epoch_end")],
            )  # fmt: skip
            trainer.fit(Tuned(config["lr"], started), TinyData(), ckpt_path=path)

    return train


def test_tuner_with_two_trials(where: dict[str, Any]) -> None:
    from ray import tune

    results = tune.Tuner(
        training(2),
        param_space={"lr": tune.grid_search([0.1, 1e-5])},
        tune_config=tune.TuneConfig(metric="val_loss", mode="min"),
        run_config=tune.RunConfig(**where),
    ).fit()
    assert not results.errors and len(results) == 2
    best = results.get_best_result()
    assert best.config["lr"] == 0.1
    assert best.metrics["training_iteration"] == 2 and best.metrics["epoch"] == 1
    with best.checkpoint.as_directory() as folder:
        assert [one.name for one in Path(folder).iterdir()] == ["run.ckpt"]


def test_run_and_asha_with_two_trials(where: dict[str, Any]) -> None:
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    analysis = tune.run(
        training(4),
        config={"lr": tune.grid_search([0.1, 1e-5])},
        metric="val_loss",
        mode="min",
        scheduler=ASHAScheduler(max_t=4, grace_period=1, reduction_factor=2),
        max_concurrent_trials=1,
        **where,
    )
    assert analysis.best_config == {"lr": 0.1}
    done = {one.config["lr"]: one.last_result["training_iteration"] for one in analysis.trials}
    assert done == {0.1: 4, 1e-5: 1}


@pytest.mark.slow
def test_population_based_training_restores_checkpoints(where: dict[str, Any]) -> None:
    from ray import tune
    from ray.tune.schedulers import PopulationBasedTraining

    population = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=1,
        quantile_fraction=0.5,
        resample_probability=0,
        hyperparam_mutations={"lr": [0.1, 0.05]},
        synch=True,
    )
    results = RayTuner().tune(
        training(2),
        {"lr": tune.grid_search([0.1, 1e-5])},
        metric="val_loss",
        mode="min",
        scheduler=population,
        reuse_actors=True,
        **where,
    )
    ends = [one.metrics for one in results]
    assert all(one["epoch"] == 1 for one in ends)
    assert any(one["started"] == 0 for one in ends)  # went on from the better one's checkpoint
    assert all(one["lr"] == pytest.approx(one["wanted"]) for one in ends)
    assert all(one["lr"] > 1e-3 for one in ends)


def test_options_are_checked() -> None:
    for options, name in (({"num_sample": 2}, "num_samples"), ({"schedular": None}, "scheduler")):
        with pytest.raises(ConfigurationError, match=name):
            RayTuner().tune(lambda config: 0.0, {}, **options)
    with pytest.raises(ConfigurationError, match="space"):
        RayTuner().tune(lambda config: 0.0, [1])
