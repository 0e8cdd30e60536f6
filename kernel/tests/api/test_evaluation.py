"""Validation, test and prediction: what is returned, logged, and left as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Kept, Linear, numbers, quiet, samples

from leyden.errors import UserCodeError


def judging(**arguments: Any) -> Linear:
    """A module that logs each batch's first sample in every evaluating step."""

    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        self.log("x", batch[0, 0], batch_size=1, **arguments)

    def predict(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return (dataloader_idx, samples(batch))

    return Linear(validation_step=step, test_step=step, predict_step=predict)


@pytest.mark.parametrize("call", ["validate", "test"])
@pytest.mark.parametrize(
    ("arguments", "one", "two"),
    [
        ({}, [{"x": 1.0}], [{"x/dataloader_idx_0": 1.0}, {"x/dataloader_idx_1": 2.0}]),
        (
            {"on_step": True},
            [{"x_epoch": 1.0}],
            [{"x_epoch/dataloader_idx_0": 1.0}, {"x_epoch/dataloader_idx_1": 2.0}],
        ),
        ({"reduce_fx": "sum"}, [{"x": 2.0}], [{"x/dataloader_idx_0": 2.0}, {"x/dataloader_idx_1": 6.0}]),
    ],
    ids=["default", "both", "sum"],
)
def test_metrics_are_returned_one_dict_a_loader(call: str, arguments: Any, one: Any, two: Any) -> None:
    trainer = quiet()
    run = getattr(trainer, call)
    assert run(judging(**arguments), numbers(4), verbose=False) == one
    assert run(judging(**arguments), [numbers(4), numbers(6)], verbose=False) == two


def test_loggers_get_epoch_values_together_and_step_values_on_an_axis_of_their_own() -> None:
    logger = Kept()
    trainer = quiet(logger=logger)
    module = judging(on_step=True)
    trainer.test(module, [numbers(4), numbers(4)], verbose=False)
    steps = [
        ({f"x_step/dataloader_idx_{i}": value}, step) for i in (0, 1) for step, value in enumerate((0.0, 2.0))
    ]
    together = {"x_epoch/dataloader_idx_0": 1.0, "x_epoch/dataloader_idx_1": 1.0, "epoch": 0}
    assert logger.metrics == [*steps, (together, 0)]
    trainer.test(module, numbers(4), verbose=False)
    assert [step for _, step in logger.metrics[5:7]] == [2, 3], "the axis goes on in the next run"


def test_what_is_logged_at_the_end_joins_every_loaders_dict() -> None:
    module = judging()
    module.__dict__["on_test_epoch_end"] = lambda: module.log("late", 7.0)
    found = quiet().test(module, [numbers(4), numbers(4)], verbose=False)
    assert found == [{"x/dataloader_idx_0": 1.0, "late": 7.0}, {"x/dataloader_idx_1": 1.0, "late": 7.0}]


def test_predictions_are_flat_for_one_loader_and_nested_for_several() -> None:
    trainer = quiet()
    assert trainer.predict(judging(), numbers(4)) == [(0, [0, 1]), (0, [2, 3])]
    assert trainer.predict(judging(), [numbers(2), numbers(4)]) == [[(0, [0, 1])], [(1, [0, 1]), (1, [2, 3])]]
    assert trainer.predict(judging(), numbers(4), return_predictions=False) is None


def test_predict_calls_the_module_unless_it_has_a_step() -> None:
    module = Linear()
    (outputs,) = quiet().predict(module, numbers(2))
    assert torch.equal(outputs, module(next(iter(numbers(2)))))


@pytest.mark.parametrize("call", ["validate", "test", "predict"])
@pytest.mark.parametrize("inference_mode", [True, False])
@pytest.mark.filterwarnings("ignore:.predict-none")
def test_gradients_are_off_and_every_submodule_gets_its_mode_back(call: str, inference_mode: bool) -> None:
    seen: set[tuple[bool, ...]] = set()

    def step(self: Any, batch: Any, batch_idx: int) -> None:
        seen.add(
            (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), self.training, self.frozen.training)
        )

    module = Linear(validation_step=step, test_step=step, predict_step=step)
    module.frozen = torch.nn.Dropout().eval()
    getattr(quiet(inference_mode=inference_mode), call)(module, numbers())
    assert seen == {(False, inference_mode, False, False)}
    assert (module.training, module.frozen.training) == (True, False)
    assert torch.is_grad_enabled()


def test_inside_fit_it_is_no_grad_and_never_inference_mode() -> None:
    seen: list[tuple[bool, bool]] = []
    step = lambda self, batch, i: seen.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled()))  # noqa: E731
    quiet().fit(Linear(validation_step=step), numbers(), numbers(2))
    assert seen == [(False, False)]


def test_the_sanity_check_leaves_metrics_and_random_numbers_alone() -> None:
    seen: list[Any] = []

    def step(self: Any, batch: Any, batch_idx: int) -> None:
        self.log("x", torch.rand(()))
        seen.append(self.trainer.sanity_checking)

    def start(self: Any) -> None:
        seen.append((dict(self.trainer.callback_metrics), float(torch.rand(()))))

    module = Linear(validation_step=step, on_train_start=start)
    torch.manual_seed(5)
    first = float(torch.rand(()))
    torch.manual_seed(5)
    quiet(num_sanity_val_steps=2).fit(module, numbers(), numbers(6))
    assert seen == [True, True, ({}, first), False, False, False]


@pytest.mark.parametrize(("steps", "batches"), [(0, 0), (1, 2), (-1, 5)])
def test_the_sanity_check_runs_so_many_batches_of_each_loader(steps: int, batches: int) -> None:
    count = [0]

    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        count[0] += self.trainer.sanity_checking

    quiet(num_sanity_val_steps=steps).fit(Linear(validation_step=step), numbers(), [numbers(4), numbers(6)])
    assert count[0] == batches


def test_several_loaders_need_a_step_that_takes_the_index() -> None:
    with pytest.raises(UserCodeError, match="with 2 loaders it needs dataloader_idx"):
        quiet().validate(Linear(validation_step=lambda self, batch, batch_idx: None), [numbers(), numbers()])


def test_one_loader_needs_a_step_that_does_without() -> None:
    with pytest.raises(UserCodeError, match="dataloader_idx the default 0"):
        quiet().validate(
            Linear(validation_step=lambda self, batch, batch_idx, dataloader_idx: None), numbers()
        )


def test_a_table_is_printed_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    quiet().test(judging(), numbers(4), verbose=True)
    assert "x" in capsys.readouterr().out
    quiet().test(judging(), numbers(4), verbose=False)
    assert capsys.readouterr().out == ""
