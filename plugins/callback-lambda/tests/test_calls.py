from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest
import torch

from leyden import Callback
from leyden.errors import ArgumentTypeError
from leyden.testing import TinyData, TinyModule
from leyden_callback_lambda import LambdaCallback

HOOKS = [
    name for name in inspect.signature(LambdaCallback.__init__).parameters if name not in ("self", "others")
]


def test_the_keywords_are_lightnings(both: Any) -> None:
    theirs = list(inspect.signature(both[1].callbacks.LambdaCallback.__init__).parameters)[1:]
    assert theirs == HOOKS


def test_every_hook_of_a_callback_is_a_keyword() -> None:
    hooks = {name for name in vars(Callback) if name.startswith("on_") or name in ("setup", "teardown")}
    assert set(HOOKS) == hooks


def module(bench: Any) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return (self.layer(batch[0]) - batch[1]).square().mean()

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            pass

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Module()


def test_as_lightning(both: Any) -> None:
    """The same hooks in the same order."""
    found = []
    for bench in both:
        calls: list[Any] = []

        def recording(name: str, calls: list[Any] = calls) -> Any:
            return lambda *args, **named: calls.append(name)

        names = [name for name in HOOKS if name not in ("on_save_checkpoint", "on_load_checkpoint")]
        callback = bench.callbacks.LambdaCallback(**{name: recording(name) for name in names})
        from_conftest = bench.fit(module(bench), callback, val=TinyValidation.loader(), max_epochs=1)
        found.append((calls, from_conftest.global_step, callback.state_key))
    assert found[0] == found[1]
    assert len(found[0][0]) > 20


class TinyValidation:
    @staticmethod
    def loader() -> Any:
        return torch.utils.data.DataLoader(torch.zeros(2, 3), batch_size=2)  # type: ignore[arg-type]


def test_functions_get_what_methods_get(bench: Any) -> None:
    got: list[Any] = []
    callback = LambdaCallback(
        on_train_batch_end=lambda trainer, pl_module, outputs, batch, batch_idx: got.append(
            (trainer.global_step, type(pl_module), sorted(outputs), len(batch), batch_idx)
        )
    )
    bench.trainer(callback, max_epochs=1).fit(TinyModule(), TinyData())
    assert got == [(1, TinyModule, ["loss"], 2, 0), (2, TinyModule, ["loss"], 2, 1)]


def test_further_hooks(bench: Any) -> None:
    got: list[int] = []
    callback = LambdaCallback(leyden_update_end=lambda trainer, pl_module, batch_idx: got.append(batch_idx))
    bench.trainer(callback, max_epochs=1).fit(TinyModule(), TinyData())
    assert got == [0, 1]


def test_only_what_is_given_is_called(bench: Any) -> None:
    callback = LambdaCallback(on_fit_end=lambda *args: None)
    trainer = bench.trainer(callback, max_epochs=1)
    trainer.fit(TinyModule(), TinyData())
    assert trainer.session.hooks.on_fit_end is not None
    assert trainer.session.hooks.on_train_batch_start is None


def test_names_that_are_no_hooks() -> None:
    with pytest.raises(ArgumentTypeError, match="Did you mean 'on_train_batch_end'") as caught:
        LambdaCallback(on_train_bach_end=print)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("value", [3, "print", []], ids=repr)
def test_what_cannot_be_called(value: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="setup=.*a function, or None"):
        LambdaCallback(setup=value)


def test_a_function_that_asks_for_more(bench: Any) -> None:
    callback = LambdaCallback(on_fit_end=lambda trainer, pl_module, more: None)
    with warnings.catch_warnings(), pytest.raises(TypeError, match="on_fit_end"):
        bench.trainer(callback, max_epochs=1).fit(TinyModule(), TinyData())
