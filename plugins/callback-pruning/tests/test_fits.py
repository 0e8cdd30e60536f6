from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import TinyData, TinyModule
from leyden_callback_pruning import ModelPruning


class Saving(Callback):
    def __init__(self, folder: Any) -> None:
        self.folder = folder

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        trainer.save_checkpoint(self.folder / f"{trainer.current_epoch} {batch_idx}.ckpt")

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        trainer.save_checkpoint(self.folder / f"{trainer.current_epoch} 3.ckpt")


@pytest.mark.parametrize("permanent", [True, False])
@pytest.mark.parametrize("ticket", [True, False])
def test_resuming_from_every_point(
    bench: Any, make: Any, weights: Any, data: Any, permanent: bool, ticket: bool
) -> None:
    def pruning() -> ModelPruning:
        return ModelPruning(
            "l1_unstructured",
            amount=0.3,
            make_pruning_permanent=permanent,
            use_lottery_ticket_hypothesis=(lambda epoch: epoch == 1) if ticket else False,
        )

    whole = make(bench)
    bench.fit(whole, pruning(), Saving(bench.folder), val=data(1), max_epochs=3)
    for epoch in range(3):
        for batch in (1, 3):
            module = make(bench)
            with torch.no_grad():
                module.net[0].weight.add_(1)  # the file says what it was
            path = bench.folder / f"{epoch} {batch}.ckpt"
            bench.fit(module, pruning(), val=data(1), max_epochs=3, ckpt_path=path)
            assert weights(module) == weights(whole), (epoch, batch)


def test_files_of_weights_alone(bench: Any, make: Any, data: Any) -> None:
    class Light(Callback):
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            if trainer.current_epoch == 1:
                trainer.save_checkpoint(bench.folder / "light.ckpt", weights_only=True)

    module = make(bench)
    bench.fit(module, ModelPruning("l1_unstructured"), Light(), val=data(1))
    state = torch.load(bench.folder / "light.ckpt")["state_dict"]
    assert set(state) == set(module.state_dict())
    assert (state["net.0.weight"] == 0).any()


def test_testing_a_file_with_masks(bench: Any, make: Any, weights: Any, data: Any) -> None:
    pruning = ModelPruning("l1_unstructured", make_pruning_permanent=False)
    module, path = make(bench), bench.folder / "a.ckpt"
    trainer = bench.fit(module, pruning, val=data(1))
    trainer.save_checkpoint(path)
    other = make(bench)
    callback = ModelPruning("l1_unstructured", make_pruning_permanent=False)
    bench.trainer(callback).test(other, data(1), ckpt_path=path, verbose=False)
    pruning.make_pruning_permanent(module)
    assert weights(other) == {name: weights(module)[name] for name in weights(other)}
    assert not other._load_state_dict_pre_hooks


def test_what_may_be_left_out(bench: Any, make: Any, data: Any) -> None:
    class Heads(ModelPruning):
        def filter_parameters_to_prune(self, parameters_to_prune: Any = ()) -> Any:
            return [one for one in parameters_to_prune if one[0].in_features == 8]

    module = make(bench)
    chosen = [(module.net[0], "weight"), (module.net[2], "weight")]
    bench.fit(module, Heads("l1_unstructured", parameters_to_prune=chosen), val=data(1))
    assert not (module.net[0].weight == 0).any()
    assert (module.net[2].weight == 0).any()


def test_one_callback_for_two_modules(bench: Any, make: Any, weights: Any, data: Any) -> None:
    callback, found = ModelPruning("l1_unstructured"), []
    for _ in range(2):
        module = make(bench)
        bench.fit(module, callback, val=data(1))
        found.append(weights(module))
    assert found[0] == found[1]


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_verbose(bench: Any, verbose: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="leyden")
    callback = ModelPruning("l1_unstructured", amount=2, verbose=verbose)
    bench.trainer(callback, max_epochs=1).fit(TinyModule(), TinyData())
    said = [one for one in caplog.messages if "L1Unstructured" in one]
    assert len(said) == (0, 1, 3)[verbose]
    if verbose:
        assert said[0] == "Applied `L1Unstructured`. Pruned: 0/5 (0.00%) -> 2/5 (40.00%)"


def test_parameters_of_another_module(leyden_run: Any) -> None:
    module = TinyModule()
    for pairs, text in (
        ([(TinyModule().layer, "weight")], "has no 'weight' in"),
        ([(module.layer, "scale")], "has no 'scale' in"),
        ([module.layer], "parameters_to_prune="),
        ("weight", "parameters_to_prune='weight'"),
    ):
        callback = ModelPruning("l1_unstructured", parameters_to_prune=pairs)  # type: ignore[arg-type]
        outcome = leyden_run("fit", module=module, callbacks=[callback])
        assert isinstance(outcome.exception, ConfigurationError)
        assert text in str(outcome.exception)
        assert "on_train_start" not in outcome.events


def test_nothing_to_prune(leyden_run: Any) -> None:
    class Nothing(ModelPruning):
        def filter_parameters_to_prune(self, parameters_to_prune: Any = ()) -> Any:
            return []

    outcome = leyden_run("fit", callbacks=[Nothing("l1_unstructured")])
    assert isinstance(outcome.exception, ConfigurationError)
    assert "has nothing to prune" in str(outcome.exception)


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"pruning_fn": "l1"}, ConfigurationError, "pruning_fn='l1'"),
        ({"pruning_fn": "l1_unstructurd"}, ConfigurationError, "Did you mean 'l1_unstructured'"),
        ({"pruning_fn": torch.nn.utils.prune.L1Unstructured(0.5)}, ArgumentTypeError, "Pass the class"),
        ({"pruning_fn": None}, ArgumentTypeError, "pruning_fn=None"),
        ({"pruning_fn": "ln_structured"}, ConfigurationError, "needs pruning_dim"),
        (
            {"pruning_fn": "ln_structured", "use_global_unstructured": False},
            ConfigurationError,
            "pruning_dim",
        ),
        (
            {"pruning_fn": "ln_structured", "use_global_unstructured": False, "pruning_dim": 0},
            ConfigurationError,
            "pruning_norm",
        ),
        (
            {"pruning_fn": torch.nn.utils.prune.L1Unstructured, "use_global_unstructured": False},
            ConfigurationError,
            "together",
        ),
        ({"parameter_names": ["weights"]}, ConfigurationError, "parameter_names="),
        ({"amount": "half"}, ArgumentTypeError, "amount='half'"),
        ({"amount": 1.5}, ConfigurationError, "amount=1.5"),
        ({"amount": -1}, ConfigurationError, "amount=-1"),
        ({"apply_pruning": 1}, ArgumentTypeError, "apply_pruning=1"),
        ({"make_pruning_permanent": "yes"}, ArgumentTypeError, "make_pruning_permanent"),
        ({"use_lottery_ticket_hypothesis": None}, ArgumentTypeError, "use_lottery_ticket_hypothesis"),
        ({"resample_parameters": 0}, ArgumentTypeError, "resample_parameters=0"),
        ({"verbose": 3}, ConfigurationError, "verbose=3"),
        ({"prune_on_train_epoch_end": 1}, ArgumentTypeError, "prune_on_train_epoch_end=1"),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),
)
def test_arguments(arguments: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        ModelPruning(**{"pruning_fn": "l1_unstructured", **arguments})
    assert type(caught.value) is kind
