from __future__ import annotations

import sys
from math import inf, nan
from typing import Any

import pytest
import torch

from leyden import Trainer
from leyden.errors import ConfigurationError
from leyden_tuner import BatchSizeFinder, LearningRateFinder, LRFinder, Tuner
from leyden_tuner.oom import is_out_of_memory


def test_names() -> None:
    import leyden.callbacks
    import leyden.tuner

    assert leyden.tuner.Tuner is Tuner and leyden.tuner.LRFinder is LRFinder
    assert leyden.callbacks.LearningRateFinder is LearningRateFinder
    assert leyden.callbacks.BatchSizeFinder is BatchSizeFinder
    assert {"Tuner", "LRFinder"} <= set(dir(leyden.tuner))
    with pytest.raises(ImportError, match="leyden.tuner has no 'Tunr'.*Did you mean 'Tuner'"):
        leyden.tuner.Tunr  # noqa: B018


BAD_RATES: dict[str, dict[str, Any]] = {
    "min_lr=0": {"min_lr": 0},
    "min_lr=-1.0": {"min_lr": -1.0},
    "min_lr=nan": {"min_lr": nan},
    "max_lr=inf": {"max_lr": inf},
    "max_lr=0.1": {"min_lr": 0.1, "max_lr": 0.1},
    "num_training": {"num_training": 0},
    "num_training_steps=1.5": {"num_training": 1.5},
    "num_training_steps=True": {"num_training": True},
    "mode='exponentail'": {"mode": "exponentail"},
    "mode=3": {"mode": 3},
    "early_stop_threshold=0": {"early_stop_threshold": 0},
    "early_stop_threshold='4'": {"early_stop_threshold": "4"},
    "update_attr='no'": {"update_attr": "no"},
    "attr_name=None": {"attr_name": None},
    "method='fitt'": {"method": "fitt"},
    "lr_find(method)='test'": {"method": "test"},
    "dataloaders": {"dataloaders": [1]},
}


@pytest.mark.parametrize("text", BAD_RATES)
def test_bad_arguments_of_lr_find(text: str, bench: Any) -> None:
    module = bench.module()
    with pytest.raises(ConfigurationError) as caught:
        bench.tuner().lr_find(module, **BAD_RATES[text])
    assert text in str(caught.value)
    assert module.tried == []


BAD_SIZES: dict[str, dict[str, Any]] = {
    "mode='double'": {"mode": "double"},
    "steps_per_trial=0": {"steps_per_trial": 0},
    "init_val=0": {"init_val": 0},
    "max_trials='3'": {"max_trials": "3"},
    "margin=1.0": {"margin": 1.0},
    "margin=-0.1": {"margin": -0.1},
    "max_val=0": {"max_val": 0},
    "batch_arg_name=3": {"batch_arg_name": 3},
    "'size'": {"batch_arg_name": "size"},
    "train_dataloaders": {"method": "test", "train_dataloaders": [1]},
    "train loader was passed": {"train_dataloaders": [torch.zeros(1)]},
}


@pytest.mark.parametrize("text", BAD_SIZES)
def test_bad_arguments_of_scale_batch_size(text: str, bench: Any) -> None:
    module = bench.module()
    with pytest.raises(ConfigurationError) as caught:
        bench.tuner().scale_batch_size(module, **BAD_SIZES[text])
    assert text in str(caught.value)
    assert module.tried == [] and module.batch_size == 4


def test_something_else_than_a_trainer() -> None:
    with pytest.raises(ConfigurationError, match="a leyden.Trainer"):
        Tuner(Trainer)  # type: ignore[arg-type]


def test_a_callback_of_the_same_kind(bench: Any) -> None:
    module = bench.module()
    with pytest.raises(ValueError, match="LearningRateFinder"):
        bench.tuner(LearningRateFinder()).lr_find(module)
    with pytest.raises(ValueError, match="BatchSizeFinder"):
        bench.tuner(BatchSizeFinder()).scale_batch_size(module)


def test_several_optimizers(bench: Any) -> None:
    with pytest.raises(ConfigurationError, match="gives 2"):
        bench.tuner().lr_find(bench.module(optimizer="two"))


def test_no_attribute(bench: Any) -> None:
    module = bench.module(name="eta")
    with pytest.raises(AttributeError, match="'lr' or 'learning_rate'.*attr_name"):
        bench.tuner().lr_find(module)
    with pytest.raises(AttributeError, match="'rate'"):
        bench.tuner().lr_find(module, attr_name="rate")
    assert module.tried == []


def test_lazy_layers(bench: Any) -> None:
    module = bench.module()
    module.more = torch.nn.LazyLinear(2)
    with pytest.raises(ConfigurationError, match="lazy layers"):
        bench.tuner().lr_find(module)


def test_hparams_are_set_too(bench: Any) -> None:
    module = bench.module()
    module.save_hyperparameters({"lr": 0.01})
    finder = bench.tuner().lr_find(module, num_training=20)
    assert module.hparams.lr == module.lr == finder.suggestion() != 0.01


def test_twice_a_batch_size(bench: Any) -> None:
    module = bench.module(fits=20)
    module.save_hyperparameters({"batch_size": 4})
    with pytest.warns(UserWarning, match=r"\[batch-size-twice\]"):
        assert bench.tuner().scale_batch_size(module) == 16
    assert module.hparams.batch_size == module.batch_size == 16


@pytest.mark.parametrize("what", ["lr_find", "scale_batch_size"])
def test_fast_dev_run(what: str, bench: Any) -> None:
    tuner = Tuner(bench.trainer(fast_dev_run=True))
    with pytest.warns(UserWarning, match=r"\[tuner-skipped\]"):
        assert getattr(tuner, what)(bench.module()) is None


@pytest.mark.parametrize(
    ("arguments", "size", "tried"),
    [
        ({"init_val": 32}, 4, [32, 16, 8, 4]),
        ({"init_val": 32, "max_trials": 2}, 8, [32, 16]),
        ({"init_val": 32, "mode": "binsearch", "margin": 0.0}, 5, [32, 16, 8, 4, 6, 5]),
        ({"max_val": 5}, 5, [2, 4, 5]),
        ({"max_val": 3, "init_val": 9}, 3, [3]),
    ],
)
def test_sizes(arguments: dict[str, Any], size: int, tried: list[int], bench: Any) -> None:
    module = bench.module(fits=5)
    assert bench.tuner().scale_batch_size(module, steps_per_trial=1, **arguments) == size
    assert module.batch_size == size
    assert module.tried == tried


def test_the_whole_dataset_does_not_fit(bench: Any) -> None:
    module = bench.module(fits=50)
    assert bench.tuner().scale_batch_size(module, steps_per_trial=1, mode="binsearch", margin=0.0) == 50
    assert bench.tuner().scale_batch_size(bench.module(fits=50), steps_per_trial=1) == 32


@pytest.mark.parametrize("mode", ["power", "binsearch"])
def test_nothing_fits(mode: str, bench: Any) -> None:
    module = bench.module(fits=0)
    with pytest.raises(ConfigurationError, match="Not even batch_size=1 fits") as caught:
        bench.tuner().scale_batch_size(module, mode=mode)
    assert "out of memory" in str(caught.value.__cause__)
    assert module.batch_size == 4


def test_another_error_is_raised(bench: Any) -> None:
    module = bench.module()
    module.__dict__["taken"] = lambda batch: torch.zeros(2) @ torch.zeros(3)
    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        bench.tuner().scale_batch_size(module)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("anything"), True),
        (MemoryError(), True),
        (RuntimeError("HIP out of memory. Tried to allocate"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_out_of_memory_is(error: BaseException, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_a_real_allocation_failure() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def finder() -> LRFinder:
    made = LRFinder("exponential", 1e-3, 1.0, 20)
    rates = torch.logspace(-3, 0, 20).tolist()
    made.results = {"lr": rates, "loss": [1 + 1 / (1 + (40 * rate) ** 2) for rate in rates]}
    return made


def test_suggestion() -> None:
    made = finder()
    rates = made.results["lr"]
    assert made.suggestion(0) in rates
    assert made.suggestion(len(rates)) is None
    made.results["loss"] = [nan] * len(rates)
    assert made.suggestion() is None


def test_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    made, shown = finder(), []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(True))
    figure = made.plot()
    (axes,) = figure.axes
    assert axes.get_xscale() == "log" and len(axes.lines) == 1
    assert list(axes.lines[0].get_xdata()) == made.results["lr"]
    assert made.plot(suggest=True, show=True, ax=axes) is figure
    assert shown == [True]
    marker = axes.lines[-1]
    assert list(marker.get_xdata()) == [made.suggestion()]
    made.mode = "linear"
    other = made.plot()
    assert other.axes[0].get_xscale() == "linear"
    pyplot.close("all")


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'leyden-tuner\[plot\]'"):
        finder().plot()
