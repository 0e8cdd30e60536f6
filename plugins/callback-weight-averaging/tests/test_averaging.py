from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostStrategy, TinyData, TinyModule
from leyden_callback_weight_averaging import EMAWeightAveraging, StochasticWeightAveraging, WeightAveraging

KINDS: dict[str, Any] = {
    "mean": lambda: WeightAveraging(),
    "ema": lambda: EMAWeightAveraging(decay=0.75, update_starting_at_epoch=1),
    "swa": lambda: StochasticWeightAveraging(0.05, swa_epoch_start=2, annealing_epochs=2),
}
POINTS = [
    (hook, epoch, batch)
    for hook in ("on_train_batch_end", "on_validation_end", "on_train_epoch_end")
    for epoch in range(5)
    for batch in range(3 if hook == "on_train_batch_end" else 1)
]


class Saving(Callback):
    """Saves in each turn of a hook."""

    def __init__(self, folder: Any) -> None:
        self.folder = folder

    def save(self, trainer: Any, hook: str, batch: int = 0) -> None:
        if not trainer.sanity_checking:
            trainer.save_checkpoint(self.folder / f"{hook} {trainer.current_epoch} {batch}.ckpt")

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.save(trainer, "on_train_batch_end", batch_idx)

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        self.save(trainer, "on_validation_end")

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        self.save(trainer, "on_train_epoch_end")


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batchnorm"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_resuming_from_every_point(
    bench: Any, make: Any, weights: Any, data: Any, kind: str, norm: bool
) -> None:
    whole = make(bench, norm=norm, scheduled="epoch")
    run: dict[str, Any] = {"val": data(2), "max_epochs": 4}
    bench.fit(whole, KINDS[kind](), Saving(bench.folder), **run)
    for hook, epoch, batch in POINTS:
        path = bench.folder / f"{hook} {epoch} {batch}.ckpt"
        if not path.exists():
            assert epoch == 4 and not (kind == "swa" and norm)
            continue
        module = make(bench, norm=norm, scheduled="epoch")
        bench.fit(module, KINDS[kind](), ckpt_path=path, **run)
        assert weights(module) == weights(whole), path
        assert module.seen == whole.seen[len(whole.seen) - len(module.seen) :], path


def test_a_file_with_weights_alone_holds_the_average(bench: Any, make: Any) -> None:
    module = make(bench)

    class Light(Callback):
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            trainer.save_checkpoint(bench.folder / "light.ckpt", weights_only=True)
            trainer.save_checkpoint(bench.folder / "whole.ckpt")

    bench.fit(module, WeightAveraging(), Light())
    light, whole = (torch.load(bench.folder / f"{name}.ckpt") for name in ("light", "whole"))
    assert not {"current_model_state", "averaging_state"} & set(light)
    assert all(torch.equal(one, light["state_dict"][name]) for name, one in whole["state_dict"].items())
    assert all(torch.equal(one, light["state_dict"][name]) for name, one in module.state_dict().items())
    assert not torch.equal(*(whole[key]["net.0.weight"] for key in ("state_dict", "current_model_state")))


def test_an_exception_in_validation(bench: Any, make: Any, data: Any) -> None:
    """The module has its own weights again, and what is saved on the way has both in their places."""
    module = make(bench)
    kept: dict[str, Any] = {}

    class Watching(Callback):
        def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
            kept["own"] = pl_module.net[0].weight.clone()

        def on_validation_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
            kept["average"] = pl_module.net[0].weight.clone()
            trainer.save_checkpoint(bench.folder / "a.ckpt")
            if trainer.current_epoch == 1:
                raise ValueError("here")

        def on_exception(self, trainer: Any, *args: Any) -> None:
            trainer.save_checkpoint(bench.folder / "b.ckpt")

    with pytest.raises(ValueError, match="here"):
        bench.fit(module, Watching(), WeightAveraging(), val=data(2), exact_resume=False)
    assert not torch.equal(kept["own"], kept["average"])
    assert torch.equal(module.net[0].weight, kept["own"])
    for name in "ab":
        saved = torch.load(bench.folder / f"{name}.ckpt")
        assert torch.equal(saved["state_dict"]["net.0.weight"], kept["average"])
        assert torch.equal(saved["current_model_state"]["net.0.weight"], kept["own"])


def test_validate_after_a_fit_uses_the_weights_of_its_module(bench: Any, make: Any, data: Any) -> None:
    callback, other = EMAWeightAveraging(), make(bench)
    trainer = bench.fit(make(bench), callback)
    bench.trainer().validate(other, data(2), verbose=False)
    trainer.validate(other, data(2), verbose=False)
    assert other.seen[:2] == other.seen[2:]


@pytest.mark.parametrize("kind", ["mean", "swa"])
def test_layers_of_configure_model(bench: Any, kind: str) -> None:
    class Late(TinyModule):
        def configure_model(self) -> None:
            self.late = torch.nn.Linear(1, 1)

        def forward(self, x: Any) -> Any:
            return self.late(self.layer(x))

    before = []

    class Watching(Callback):
        leyden_order = -1

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            before.append(pl_module.late.weight.item())

    callback, module = KINDS[kind](), Late()
    bench.trainer(Watching(), callback).fit(module, TinyData())
    held = dict(callback._average_model.named_parameters())
    average = held["module.late.weight" if kind == "mean" else "late.weight"]
    assert module.late.weight.item() == average.item() != before[0]


def test_a_fit_that_stops_early(bench: Any, make: Any, data: Any) -> None:
    class Stopping(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            trainer.should_stop = trainer.current_epoch == 2

    callback = StochasticWeightAveraging(0.05, swa_epoch_start=1)
    module = make(bench)
    bench.fit(module, Stopping(), callback, max_epochs=6)
    average = callback.state_dict()["average_model_state"]
    assert all(torch.equal(one, average[name]) for name, one in module.named_parameters())
    module = make(bench, norm=True)
    with pytest.warns(UserWarning, match="swa-unfinished"):
        trainer = bench.trainer(Stopping(), callback, max_epochs=6)
        trainer.fit(module, data())
    assert trainer.max_epochs == 6
    assert module.net[1].momentum == 0.1


def test_an_exception_while_statistics_are_recomputed(bench: Any, make: Any) -> None:
    class Failing(Callback):
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            if trainer.current_epoch == 2:
                raise ValueError("here")

    module = make(bench, norm=True)
    with pytest.raises(ValueError, match="here"):
        bench.fit(module, StochasticWeightAveraging(0.05, swa_epoch_start=1), Failing())
    assert module.net[1].momentum == 0.1
    assert module.trainer.max_epochs == 2


@pytest.mark.parametrize(
    ("make_one", "text"),
    [
        (lambda: StochasticWeightAveraging("0.1"), "swa_lrs='0.1'"),
        (lambda: StochasticWeightAveraging([]), "swa_lrs"),
        (lambda: StochasticWeightAveraging(-0.1), "swa_lrs=-0.1"),
        (lambda: StochasticWeightAveraging([0.1, 0.0]), "swa_lrs"),
        (lambda: StochasticWeightAveraging(True), "swa_lrs=True"),
        (lambda: StochasticWeightAveraging(0.1, swa_epoch_start=0), "swa_epoch_start=0"),
        (lambda: StochasticWeightAveraging(0.1, swa_epoch_start=1.5), "swa_epoch_start=1.5"),
        (lambda: StochasticWeightAveraging(0.1, swa_epoch_start="1"), "swa_epoch_start='1'"),
        (lambda: StochasticWeightAveraging(0.1, annealing_epochs=-1), "annealing_epochs=-1"),
        (lambda: StochasticWeightAveraging(0.1, annealing_epochs=1.0), "annealing_epochs=1.0"),
        (lambda: StochasticWeightAveraging(0.1, annealing_strategy="cosine"), "Did you mean 'cos'"),
        (lambda: StochasticWeightAveraging(0.1, avg_fn=1), "avg_fn=1"),
        (lambda: StochasticWeightAveraging(0.1, device=1.5), "device=1.5"),
        (lambda: WeightAveraging("no"), "device='no'"),
        (lambda: WeightAveraging(use_buffers=1), "use_buffers=1"),
        (lambda: WeightAveraging(avg_func=sum), "Did you mean 'avg_fn'"),
        (lambda: WeightAveraging(avg_fn=3), "avg_fn=3"),
        (lambda: WeightAveraging(avg_fn=sum, multi_avg_fn=sum), "not both"),
        (lambda: EMAWeightAveraging(avg_fn=sum), "take WeightAveraging"),
        (lambda: EMAWeightAveraging(decay=1.5), "decay=1.5"),
        (lambda: EMAWeightAveraging(decay="1"), "decay='1'"),
        (lambda: EMAWeightAveraging(update_every_n_steps=-1), "update_every_n_steps=-1"),
        (lambda: EMAWeightAveraging(update_starting_at_step=1.5), "update_starting_at_step=1.5"),
        (lambda: EMAWeightAveraging(update_starting_at_epoch=True), "update_starting_at_epoch=True"),
    ],
)
def test_arguments(make_one: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        make_one()


def test_types_of_errors() -> None:
    with pytest.raises(ArgumentTypeError):
        StochasticWeightAveraging("0.1")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError):
        WeightAveraging(device=1.5)  # type: ignore[arg-type]


def two(module: Any) -> Any:
    return [torch.optim.SGD(module.parameters(), lr=0.1) for _ in range(2)]


@pytest.mark.parametrize(
    ("arguments", "attributes", "keywords", "text"),
    [
        ({}, {"configure_optimizers": two, "automatic_optimization": False}, {}, "one optimizer .* 2 and 0"),
        ({"swa_lrs": [0.1, 0.2]}, {}, {}, "each of 1 parameter group"),
        ({"swa_epoch_start": 0.5}, {}, {"max_epochs": -1, "max_steps": 3}, "max_epochs=-1"),
        ({}, {"automatic_optimization": False, "norm": torch.nn.BatchNorm1d(4)}, {}, "in manual"),
    ],
)
def test_fits_that_are_refused(
    leyden_run: Any, arguments: Any, attributes: Any, keywords: Any, text: str
) -> None:
    class Module(TinyModule):
        pass

    module = Module()
    for name, value in attributes.items():
        setattr(Module if callable(value) and name.startswith("configure") else module, name, value)
    callback = StochasticWeightAveraging(**{"swa_lrs": 0.1, "swa_epoch_start": 1, **arguments})
    outcome = leyden_run("fit", module=module, callbacks=[callback], **keywords)
    assert isinstance(outcome.exception, ConfigurationError), outcome.exception
    assert re.search(text, str(outcome.exception))
    assert "on_train_start" not in outcome.events


@pytest.mark.parametrize("kind", list(KINDS))
def test_sharded_parameters(leyden_run: Any, kind: str) -> None:
    class FSDPStrategy(HostStrategy):
        pass

    outcome = leyden_run("fit", callbacks=[KINDS[kind]()], strategy=FSDPStrategy())
    assert isinstance(outcome.exception, ConfigurationError)
    assert "does not work with FSDPStrategy" in str(outcome.exception)


def test_an_interval_that_is_not_an_epoch(bench: Any, make: Any, data: Any) -> None:
    with pytest.warns(UserWarning, match=r"\[swa-interval\] .*ExponentialLR.*every 1 step"):
        trainer = bench.trainer(StochasticWeightAveraging(0.05, swa_epoch_start=1))
        trainer.fit(make(bench, scheduled="step"), data())


def test_without_a_limit_of_epochs(bench: Any, make: Any) -> None:
    callback = StochasticWeightAveraging(0.05, swa_epoch_start=1)
    module = make(bench)
    bench.fit(module, callback, max_epochs=-1, max_steps=7)
    average = callback.state_dict()["average_model_state"]
    assert all(torch.equal(one, average[name]) for name, one in module.named_parameters())
    assert callback.n_averaged == 3


def test_a_second_fit_begins_a_new_average(bench: Any, make: Any) -> None:
    callback = StochasticWeightAveraging(0.05, swa_epoch_start=0.5)
    bench.fit(make(bench), callback, max_epochs=4)
    assert (callback.swa_start, callback.n_averaged) == (1, 3)
    bench.fit(make(bench), callback, max_epochs=2)
    assert (callback.swa_start, callback.n_averaged) == (0, 2)
