from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostStrategy, TinyModule
from leyden_callback_accumulation import GradientAccumulationScheduler


def module(bench: Any, manual: bool = False) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = not manual
            self.layer = torch.nn.Linear(3, 1)
            self.seen: list[tuple[int, int, int]] = []

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            trainer = self.trainer
            self.seen.append((trainer.current_epoch, trainer.global_step, trainer.accumulate_grad_batches))
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=0.1)

    torch.manual_seed(0)
    return Module()


@pytest.mark.parametrize("scheduling", [{0: 2}, {1: 3}, {0: 3, 2: 1}, {1: 2, 3: 5}, {7: 2}], ids=repr)
def test_as_lightning(both: Any, scheduling: dict[int, int]) -> None:
    found = []
    for bench in both:
        made = module(bench)
        callback = bench.callbacks.GradientAccumulationScheduler(dict(scheduling))
        trainer = bench.fit(made, callback, max_epochs=4)
        weights = {name: value.tolist() for name, value in made.state_dict().items()}
        found.append(
            (
                made.seen,
                weights,
                trainer.global_step,
                callback.scheduling,
                callback.epochs,
                callback.state_key,
            )
        )
        found[-1] += (callback.going_to_accumulate_grad_batches(), callback.state_dict())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("scheduling", "kind"),
    [
        ({}, ArgumentTypeError),
        (None, ArgumentTypeError),
        ([2], ArgumentTypeError),
        ({"0": 2}, ConfigurationError),
        ({-1: 2}, ConfigurationError),
        ({0: 0}, ConfigurationError),
        ({0: 1.5}, ConfigurationError),
        ({0: True}, ConfigurationError),
        ({True: 2}, ConfigurationError),
    ],
    ids=repr,
)
def test_arguments(scheduling: Any, kind: type[Exception]) -> None:
    with pytest.raises(ConfigurationError, match="scheduling=.*epochs of at least 0") as caught:
        GradientAccumulationScheduler(scheduling)
    assert type(caught.value) is kind


def test_what_was_given_stays_as_it_is() -> None:
    given = {3: 2}
    assert GradientAccumulationScheduler(given).scheduling == {0: 1, 3: 2}
    assert given == {3: 2}


def test_a_trainer_that_accumulates(leyden_run: Any) -> None:
    outcome = leyden_run("fit", callbacks=[GradientAccumulationScheduler({0: 2})], accumulate_grad_batches=4)
    assert isinstance(outcome.exception, ConfigurationError)
    assert "accumulate_grad_batches=4" in str(outcome.exception)
    assert "on_train_start" not in outcome.events


def test_manual_optimization(leyden_run: Any) -> None:
    made = TinyModule()
    made.automatic_optimization = False
    outcome = leyden_run("fit", module=made, callbacks=[GradientAccumulationScheduler({0: 2})])
    assert isinstance(outcome.exception, ConfigurationError)
    assert "automatic optimization alone" in str(outcome.exception)


def test_a_strategy_that_accumulates_by_itself(leyden_run: Any) -> None:
    class Engine(HostStrategy):
        handles_gradient_accumulation = True

    outcome = leyden_run("fit", callbacks=[GradientAccumulationScheduler({0: 2})], strategy=Engine())
    assert isinstance(outcome.exception, ConfigurationError)
    assert "Engine accumulates by itself" in str(outcome.exception)


def test_the_trainer_gets_its_own_number_back(bench: Any) -> None:
    trainer = bench.trainer(bench.callbacks.GradientAccumulationScheduler({0: 2}), max_epochs=1)
    from leyden.testing import TinyData

    trainer.fit(TinyModule(), TinyData())
    assert trainer.accumulate_grad_batches == 1
    trainer.fit_loop.max_epochs = 2
    trainer.fit(TinyModule(), TinyData())  # would be refused
    assert trainer.global_step == 2
    made = TinyModule(fail_in="training_step")
    with pytest.raises(RuntimeError, match="training_step"):
        bench.trainer(bench.callbacks.GradientAccumulationScheduler({0: 2})).fit(made, TinyData())
    assert made.trainer.accumulate_grad_batches == 1


@pytest.mark.parametrize("stop", [(1, 0), (1, 1), (2, 2)], ids=repr)
def test_resuming_within_an_epoch(bench: Any, stop: tuple[int, int]) -> None:
    scheduling = {0: 1, 1: 2, 2: 3}
    path = bench.folder / "a.ckpt"
    from leyden import Callback

    class Saving(Callback):
        def on_train_batch_end(
            self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            if (trainer.current_epoch, batch_idx) == stop:
                trainer.save_checkpoint(path)

    whole = module(bench)
    make = bench.callbacks.GradientAccumulationScheduler
    bench.fit(whole, make(scheduling), Saving(), max_epochs=4)
    resumed = module(bench)
    bench.fit(resumed, make(scheduling), max_epochs=4, ckpt_path=path)
    assert resumed.seen == whole.seen[-len(resumed.seen) :]
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))
