"""Where ``self.log`` may be called, with what."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch

from leyden.api.log_rules import BATCH, EPOCH, NAMES, STEP, check_value, levels, reduction
from leyden.errors import ArgumentTypeError, ConfigurationError

DEFAULTS = {
    "prog_bar": False, "logger": None, "on_step": None, "on_epoch": None, "reduce_fx": "mean", "enable_graph": False,
    "sync_dist": False, "sync_dist_group": None, "add_dataloader_idx": True, "metric_attribute": None,
    "rank_zero_only": False, "axis": None,
}  # fmt: skip


def asked(hook: str | None, name: Any = "x", **arguments: Any) -> tuple[bool, bool]:
    """Whether a call logs by step and by epoch."""
    given = {**DEFAULTS, **arguments}
    return levels(hook, name, tuple(given[one] for one in NAMES))


def test_the_three_kinds_of_hooks_are_apart() -> None:
    assert not STEP & BATCH
    assert not STEP & EPOCH
    assert not BATCH & EPOCH


@pytest.mark.parametrize(
    ("hooks", "default", "allowed"),
    [
        (STEP, (True, False), [(True, True), (False, True), (True, False)]),
        (BATCH, (False, True), [(True, True), (False, True), (True, False)]),
        (EPOCH, (False, True), [(False, True)]),
    ],
    ids=["step", "batch", "epoch"],
)
def test_defaults_and_what_is_allowed(hooks: frozenset[str], default: Any, allowed: list[Any]) -> None:
    for hook in hooks:
        assert asked(hook) == default
        for on_step in (True, False):
            for on_epoch in (True, False):
                if (on_step, on_epoch) in allowed:
                    assert asked(hook, on_step=on_step, on_epoch=on_epoch) == (on_step, on_epoch)
                else:
                    with pytest.raises(ConfigurationError, match=r"self.log\('x', on_step="):
                        asked(hook, on_step=on_step, on_epoch=on_epoch)


@pytest.mark.parametrize(
    "hook", ["setup", "on_fit_start", "on_train_end", "predict_step", "on_predict_batch_end", None]
)
def test_elsewhere_it_is_refused(hook: str | None) -> None:
    with pytest.raises(ConfigurationError, match=hook or "code outside a hook"):
        asked(hook)


@pytest.mark.parametrize("name", ["x/dataloader_idx_0", "/dataloader_idx_"])
def test_the_loaders_suffix_is_leydens(name: str) -> None:
    with pytest.raises(ConfigurationError, match="dataloader_idx"):
        asked("training_step", name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"prog_bar": 1},
        {"logger": "yes"},
        {"on_step": 0},
        {"sync_dist": "no"},
        {"rank_zero_only": []},
        {"axis": ""},
        {"axis": 3},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_wrong_type_is_refused_by_the_arguments_name(arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentTypeError, match=rf"self.log\({next(iter(arguments))}\)="):
        asked("training_step", **arguments)


def test_a_name_is_a_string() -> None:
    with pytest.raises(ArgumentTypeError, match=r"self.log\(name\)=3"):
        asked("training_step", 3)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("mean", "mean"),
        ("max", "max"),
        (torch.mean, "mean"),
        (torch.amax, None),
        (sum, "sum"),
        (min, "min"),
        (max, "max"),
    ],
)
def test_reductions_by_name_and_by_function(given: Any, name: str | None) -> None:
    if name is not None:
        assert reduction(given) == name
    else:
        with pytest.raises(ConfigurationError, match="torchmetrics Metric"):
            reduction(given)


@pytest.mark.parametrize("given", ["maen", None, 3])
def test_an_unknown_reduction_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"self.log\(reduce_fx\)=") as caught:
        reduction(given)
    assert ("Did you mean 'mean'" in str(caught.value)) is (given == "maen")


@pytest.mark.parametrize("value", [1, 1.5, True, Fraction(1, 2)])
def test_numbers_are_values(value: Any) -> None:
    assert check_value("x", value) == float(value)


def test_a_tensor_of_one_element_is_a_value_as_it_is() -> None:
    tensor = torch.ones(1, 1)
    assert check_value("x", tensor) is tensor


@pytest.mark.parametrize(
    "value",
    [torch.ones(2), torch.ones(0), "text", None, [1], 1j, object()],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"self.log\('x', "):
        check_value("x", value)
