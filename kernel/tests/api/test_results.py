"""``self.log``: what reaches monitors, loggers and the bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Kept, Linear, numbers, quiet

from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError, UserCodeError
from leyden.testing import HostStrategy


def logging(**calls: Callable[[Any], None]) -> Linear:
    """A module that logs in hooks; each call gets the module, whose ``at`` is the running batch's first sample."""

    def hooked(name: str, call: Callable[[Any], None]) -> Callable[..., Any]:
        def method(self: Any, *args: Any) -> Any:
            if args and isinstance(args[0], torch.Tensor):
                self.__dict__["at"] = float(args[0][0, 0])
            call(self)
            return self(args[0]).mean() if name == "training_step" else None

        return method

    return Linear(**{name: hooked(name, call) for name, call in calls.items()})


def fitted(module: Linear, batches: int = 3, **options: Any) -> tuple[Any, Kept]:
    """A Trainer that fitted for one epoch, logging every batch; and its logger."""
    logger = Kept()
    trainer = quiet(logger=logger, **{"log_every_n_steps": 1, **options})
    trainer.fit(module, numbers(2 * batches))
    return trainer, logger


def views(trainer: Any) -> dict[str, dict[str, float]]:
    """The three views as numbers."""
    names = ("callback_metrics", "logged_metrics", "progress_bar_metrics")
    return {
        name.partition("_")[0]: {key: float(one) for key, one in getattr(trainer, name).items()}
        for name in names
    }


@pytest.mark.parametrize(
    ("arguments", "callback", "logged", "bar"),
    [
        ({}, {"x": 4}, {"x": 4}, {}),
        ({"prog_bar": True}, {"x": 4}, {"x": 4}, {"x": 4}),
        ({"logger": False}, {"x": 4}, {}, {}),
        ({"on_step": False, "on_epoch": True}, {"x": 2}, {"x": 2}, {}),
        (
            {"on_epoch": True, "prog_bar": True},
            {"x": 2, "x_step": 4, "x_epoch": 2},
            {"x_step": 4, "x_epoch": 2},
            {"x_step": 4, "x_epoch": 2},
        ),
    ],
    ids=["default", "bar", "no logger", "epoch", "both"],
)
def test_the_views_after_an_epoch(
    arguments: dict[str, Any], callback: dict[str, float], logged: dict[str, float], bar: dict[str, float]
) -> None:
    trainer, _ = fitted(logging(training_step=lambda self: self.log("x", self.at, **arguments)))
    assert views(trainer) == {"callback": callback, "logged": logged, "progress": bar}


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ({}, [({"x": 0.0, "epoch": 0}, 0), ({"x": 2.0, "epoch": 0}, 1), ({"x": 4.0, "epoch": 0}, 2)]),
        ({"on_step": False, "on_epoch": True}, [({"x": 2.0, "epoch": 0}, 2)]),
        (
            {"on_epoch": True},
            [
                ({"x_step": 0.0, "epoch": 0}, 0),
                ({"x_step": 2.0, "epoch": 0}, 1),
                ({"x_step": 4.0, "epoch": 0}, 2),
                ({"x_epoch": 2.0, "epoch": 0}, 2),
            ],
        ),
        ({"logger": False}, []),
    ],
    ids=["default", "epoch", "both", "no logger"],
)
def test_what_loggers_get(arguments: dict[str, Any], rows: list[Any]) -> None:
    _, logger = fitted(logging(training_step=lambda self: self.log("x", self.at, **arguments)))
    assert logger.metrics == rows


def test_step_values_are_written_every_so_many_updates() -> None:
    module = logging(training_step=lambda self: self.log("x", self.at))
    _, logger = fitted(module, 5, log_every_n_steps=2)
    assert logger.metrics == [({"x": 2.0, "epoch": 0}, 1), ({"x": 6.0, "epoch": 0}, 3)]


def test_under_accumulation_only_batches_that_update_are_written_and_counted() -> None:
    module = logging(training_step=lambda self: self.log("x", self.at))
    _, logger = fitted(module, 5, accumulate_grad_batches=2)
    assert logger.metrics == [
        ({"x": 2.0, "epoch": 0}, 0),
        ({"x": 6.0, "epoch": 0}, 1),
        ({"x": 8.0, "epoch": 0}, 2),
    ]


def test_a_metric_named_step_is_the_x_axis() -> None:
    def log(self: Any) -> None:
        self.log("x", 1.0)
        self.log("step", self.at)

    _, logger = fitted(logging(training_step=log))
    assert [(row["x"], step) for row, step in logger.metrics] == [(1.0, 0), (1.0, 2), (1.0, 4)]


@pytest.mark.parametrize(
    ("reduce_fx", "value"),
    [("mean", 2.0), ("sum", 6.0), ("min", 0.0), ("max", 4.0), (torch.sum, 6.0), (max, 4.0)],
)
def test_reductions(reduce_fx: Any, value: float) -> None:
    module = logging(
        training_step=lambda self: self.log("x", self.at, on_step=False, on_epoch=True, reduce_fx=reduce_fx)
    )
    assert fitted(module)[0].callback_metrics["x"].item() == value


@pytest.mark.parametrize(
    ("sizes", "value"), [(None, 9 / 7), ({"batch_size": 1}, 1.5)], ids=["found", "given"]
)
def test_a_mean_is_weighted_by_the_batch_size(sizes: dict[str, int] | None, value: float) -> None:
    module = logging(
        training_step=lambda self: self.log("x", self.at / 2, on_step=False, on_epoch=True, **(sizes or {}))
    )
    trainer = quiet()
    trainer.fit(module, numbers(7))
    assert trainer.callback_metrics["x"].item() == pytest.approx(value)


def test_many_values_are_reduced_in_blocks_to_the_same_mean() -> None:
    def log(self: Any) -> None:
        self.log("x", self.at, on_step=False, on_epoch=True)
        self.log("top", torch.tensor(self.at), on_step=False, on_epoch=True, reduce_fx="max")

    trainer, _ = fitted(logging(training_step=log), 600)
    assert trainer.callback_metrics["x"].item() == pytest.approx(599.0)
    assert trainer.callback_metrics["top"].item() == 1198.0


def test_values_are_detached_unless_the_graph_is_asked_for() -> None:
    def log(self: Any) -> None:
        value = self.layer.weight.sum()
        self.log("plain", value)
        self.log("graph", value, enable_graph=True)

    trainer, _ = fitted(logging(training_step=log))
    assert trainer.callback_metrics["plain"].requires_grad is False
    assert trainer.callback_metrics["graph"].requires_grad is True


def test_a_parameter_that_changes_afterwards_was_logged_as_it_was() -> None:
    first = Linear().layer.bias.item()
    module = logging(training_step=lambda self: self.log("x", self.layer.bias, on_step=True))
    _, logger = fitted(module)
    assert logger.metrics[0][0]["x"] == first
    assert logger.metrics[1][0]["x"] != first


def test_a_tensor_changed_in_place_after_logging_is_told() -> None:
    def log(self: Any) -> None:
        value = self.layer.weight.double().sum() * 1
        self.log("x", value, on_step=False, on_epoch=True)
        value.data.add_(1)
        value.detach().add_(1)

    with pytest.warns(LeydenWarning, match=r"\[log-inplace\].*'x' was changed in place"):
        fitted(logging(training_step=log), 300)


def test_float32_on_the_cpu_is_a_number_at_once() -> None:
    def log(self: Any) -> None:
        value = self.layer.weight.detach().sum() * 0 + 1
        self.log("x", value, on_step=True, on_epoch=True)
        value.add_(1)
        if self.global_step == 3:
            with pytest.raises(UserCodeError, match=r"self\.log\('x', …\) got a tensor of shape \(2,\)"):
                self.log("x", torch.zeros(2), on_step=True, on_epoch=True)

    trainer, _ = fitted(logging(training_step=log), 300)
    assert views(trainer)["callback"] == {"x": 1, "x_step": 1, "x_epoch": 1}


def test_numbers_of_any_kind_and_flat_dicts() -> None:
    def log(self: Any) -> None:
        self.log_dict({"a": 1, "b": True, "c": torch.tensor([2]), "d": torch.tensor(3, dtype=torch.float16)})
        self.log_dict({"e": 5.0, "f": torch.tensor(6)})

    trainer, _ = fitted(logging(training_step=log))
    assert views(trainer)["callback"] == {"a": 1, "b": 1, "c": 2, "d": 3, "e": 5, "f": 6}
    assert {one.dtype for one in trainer.callback_metrics.values()} == {torch.float32}


def test_one_name_in_two_hooks_is_two_metrics() -> None:
    module = logging(
        training_step=lambda self: self.log("x", 1.0, on_epoch=True),
        on_train_batch_end=lambda self: self.log("x", 2.0, on_step=True),
        on_train_epoch_end=lambda self: self.log("y", 3.0),
    )
    trainer, logger = fitted(module)
    assert logger.metrics[-1] == ({"x_epoch": 1.0, "y": 3.0, "epoch": 0}, 2)
    assert views(trainer)["callback"]["x_step"] == 1.0


def test_other_arguments_for_a_known_name_are_refused() -> None:
    module = logging(training_step=lambda self: self.log("x", 1.0, prog_bar=self.at > 0))
    with pytest.raises(
        ConfigurationError, match=r"self.log\('x', …\) was called in training_step with other arguments"
    ):
        fitted(module)


def test_where_nothing_runs_log_says_so() -> None:
    with pytest.warns(LeydenWarning, match=r"\[log-detached\].*no Trainer"):
        Linear().log("x", 1.0)


def test_barebones_logs_nothing_and_says_so_once() -> None:
    module = logging(training_step=lambda self: self.log("x", 1.0))
    with pytest.warns(LeydenWarning, match="log-barebones"):
        trainer = quiet(barebones=True)
        trainer.fit(module, numbers())
    assert views(trainer)["callback"] == {}


def test_metrics_keep_their_last_values_and_a_new_run_forgets_them() -> None:
    module = logging(training_step=lambda self: self.log("x", self.at) if self.current_epoch == 0 else None)
    trainer, _ = fitted(module, max_epochs=2)
    assert views(trainer)["callback"] == {"x": 4}
    trainer.fit_loop.max_epochs = 3
    trainer.fit(module, numbers())
    assert views(trainer)["callback"] == {}


def test_the_age_of_a_metric_is_the_number_of_batches_done_when_it_was_logged() -> None:
    ages: list[Any] = []

    def ask(self: Any) -> None:
        ages.append([self.trainer.metric_batch(name) for name in ("once", "always", "never")])

    def log(self: Any) -> None:
        self.log("always", 1.0)
        if self.at == 0:
            self.log("once", 1.0)

    fitted(logging(training_step=log, on_train_batch_end=ask))
    assert ages == [[0, 0, None], [0, 1, None], [0, 2, None]]


class Two(HostStrategy):
    """Rank zero of two; the other has the same names and weights, and twice the values."""

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.sent: list[list[float]] = []

    def all_gather(self, tensor: Any, group: Any = None, sync_grads: bool = False) -> Any:
        self.sent.append(tensor.tolist())
        other = tensor.clone()
        other[2::2] *= 2
        return torch.stack([tensor, other])


@pytest.mark.parametrize(
    ("arguments", "sent", "value"),
    [
        ({"on_step": False, "on_epoch": True}, [12.0, 6.0], 3.0),
        ({"on_step": False, "on_epoch": True, "reduce_fx": "max"}, [4.0, 0.0], 8.0),
        ({"on_step": False, "on_epoch": True, "reduce_fx": "sum"}, [6.0, 0.0], 18.0),
        ({"on_step": False, "on_epoch": True, "rank_zero_only": True}, [0.0, 0.0], 2.0),
    ],
    ids=["mean", "max", "sum", "rank zero"],
)
def test_what_is_synchronised_when_the_epoch_ends(
    arguments: dict[str, Any], sent: list[float], value: float
) -> None:
    module = logging(training_step=lambda self: self.log("x", self.at, sync_dist=True, **arguments))
    trainer = quiet(strategy=Two())
    trainer.fit(module, numbers())
    assert trainer.callback_metrics["x"].item() == value
    assert [one[2:4] for one in trainer.strategy.sent] == [sent], "one collective"


def test_all_metrics_are_reduced_in_one_collective_where_they_are_written() -> None:
    def log(self: Any) -> None:
        for name in ("a", "b", "c"):
            self.log(name, self.at, sync_dist=True)

    trainer = quiet(strategy=Two(), log_every_n_steps=2)
    trainer.fit(logging(training_step=log), numbers())
    assert [one[0] for one in trainer.strategy.sent] == [3, 3, 0], (
        "a written batch, the last batch, the epoch"
    )


def test_reading_never_communicates() -> None:
    seen: list[float] = []

    def log(self: Any) -> None:
        self.log("x", self.at, sync_dist=True)
        seen.append(float(self.trainer.callback_metrics["x"]))

    trainer = quiet(strategy=Two(), log_every_n_steps=0)
    trainer.fit(logging(training_step=log), numbers())
    assert seen == [0, 2, 4]
    assert len(trainer.strategy.sent) == 2, "the last batch, the epoch"
    assert trainer.callback_metrics["x"] == 6
