"""Modules and steps that ``torch.compile`` compiles: ``self.log`` in the graph, compiled steps, compiled forward."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet, same, weights
from torch import Tensor
from torch._dynamo.testing import CompileCounter
from torch.utils.data import DataLoader, TensorDataset

from leyden import LightningModule
from leyden.api.compiled import compile_steps, restore_steps


class Logging(LightningModule):
    """Logs in every way in training and validation."""

    seen: Tensor

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(4, 3), torch.nn.Dropout(dropout), torch.nn.Linear(3, 1)
        )
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.net(x)
        return outputs

    def training_step(self, batch: Any) -> Any:
        x, y = batch
        loss = (self(x) - y).square().mean()
        self.seen += 1
        self.log("loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        self.log("seen", self.seen, on_epoch=True)
        self.log("number", 2.5)
        self.log_dict({"a": loss * 2, "b": loss.detach() * 3}, on_epoch=True, batch_size=7)
        self.log("largest", loss, reduce_fx="max", on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any) -> None:
        x, y = batch
        self.log("val_loss", (self(x) - y).square().mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.05)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def data() -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(3)
    return DataLoader(
        TensorDataset(torch.randn(12, 4, generator=generator), torch.randn(12, 1, generator=generator)), 4
    )


def fitted(model: Any, **options: Any) -> Any:
    trainer = quiet(max_epochs=2, **options)
    trainer.fit(model, data(), data())
    return trainer


@pytest.mark.parametrize("how", ["steps", "module"])
def test_compiled_steps_log_and_train_as_eager_ones_without_a_graph_break(how: str) -> None:
    plain, model, counter = Logging(), Logging(), CompileCounter()
    expected = fitted(plain)
    compiled: Any = model
    if how == "module":
        compiled = torch.compile(model, backend=counter, fullgraph=True)
    else:
        model.training_step = torch.compile(model.training_step, backend=counter, fullgraph=True)  # type: ignore[method-assign]
        model.validation_step = torch.compile(model.validation_step, backend=counter, fullgraph=True)  # type: ignore[method-assign]
    trainer = fitted(compiled)
    assert counter.frame_count == 2, "one graph for training, one for validation, and no second one"
    assert same(model.state_dict(), plain.state_dict())
    assert trainer.callback_metrics == expected.callback_metrics
    assert trainer.progress_bar_metrics == expected.progress_bar_metrics
    assert set(trainer.callback_metrics) >= {
        "loss_step",
        "loss_epoch",
        "seen",
        "a_epoch",
        "largest",
        "val_loss",
    }


def test_a_second_fit_reuses_the_graphs() -> None:
    counter = CompileCounter()
    model = torch.compile(Logging(), backend=counter)
    fitted(model)
    before = counter.frame_count
    fitted(model)
    assert counter.frame_count == before


def test_a_metric_logged_in_a_compiled_forward_belongs_to_the_hook_that_calls_it() -> None:
    class Inner(Linear):
        def forward(self, batch: Tensor) -> Tensor:
            outputs: Tensor = self.layer(batch / 10)
            self.log("mean", outputs.mean())
            return outputs

        def training_step(self, batch: Tensor, batch_idx: int) -> Any:
            return self(batch).square().mean()

        def validation_step(self, batch: Tensor, batch_idx: int) -> Any:
            self(batch)

    def run(compiled: bool) -> Any:
        module, counter = Inner(), CompileCounter()
        if compiled:
            module.compile(backend=counter, fullgraph=True)
        trainer = quiet()
        trainer.fit(module, numbers(), numbers())
        assert bool(counter.frame_count) is compiled
        return trainer.callback_metrics, weights(module)

    assert run(True) == run(False)


def test_a_wrong_call_in_compiled_code_is_an_error_of_its_hook() -> None:
    def step(self: Any, batch: Tensor, batch_idx: int) -> Any:
        self.log("x", self.layer.weight * 2)
        return self(batch).mean()

    module = Linear(training_step=step)
    module.__dict__["training_step"] = torch.compile(module.training_step, backend="eager")
    with pytest.raises(Exception, match=r"self\.log\('x', tensor of shape \(1, 2\)\)"):
        quiet().fit(module, numbers())


def test_without_a_trainer_a_compiled_step_logs_nothing() -> None:
    module = Logging()
    step = torch.compile(module.training_step, backend="eager", fullgraph=True)
    assert step(next(iter(data()))).requires_grad


def test_manual_optimization_logs_from_compiled_code() -> None:
    def step(self: Any, batch: Tensor, batch_idx: int) -> None:
        loss = self.loss(batch)
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()

    def loss(self: Any, batch: Tensor) -> Any:
        value = self(batch).square().mean()
        self.log("loss", value)
        return value

    def run(change: Callable[[Any], Any]) -> Any:
        module = Linear(training_step=step, loss=loss)
        module.automatic_optimization = False
        module.__dict__["loss"] = change(module.loss)
        trainer = quiet()
        trainer.fit(module, numbers())
        return trainer.callback_metrics, weights(module)

    compiled = run(lambda method: torch.compile(method, backend="eager", fullgraph=True))
    assert compiled == run(lambda method: method)
    assert "loss" in compiled[0]


def test_only_overridden_steps_are_compiled_and_all_come_back() -> None:
    module = Logging()
    compiled = torch.compile(module, backend="eager")
    before = dict(vars(module))
    assert compile_steps(compiled) is module
    assert {name for name in vars(module) if name.endswith("_step") or name == "forward"} == {
        "forward", "training_step", "validation_step",
    }  # fmt: skip
    assert module._compiler_ctx is not None
    assert module._compiler_ctx["compiler"] == "dynamo"
    compile_steps(compiled)  # twice is once
    assert restore_steps(module) is module
    assert vars(module).keys() - {"_compiler_ctx"} == before.keys()
    assert module._compiler_ctx is None


def test_a_compiled_module_can_be_copied_and_pickled() -> None:
    module = Logging()
    trainer = fitted(torch.compile(module, backend="eager"))
    assert trainer.lightning_module is module
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert same(other.state_dict(), module.state_dict())
        assert "training_step" not in vars(other)
        assert other._compiler_ctx is None
    module.compile(backend="eager")
    assert copy.deepcopy(module)._compiled_call_impl is None


@pytest.mark.parametrize("call", ["validate", "test", "predict"])
def test_evaluation_runs_compiled_too(call: str) -> None:
    class Evaluated(Logging):
        def test_step(self, batch: Any) -> None:
            self.validation_step(batch)

        def predict_step(self, batch: Any) -> Tensor:
            return self(batch[0])

    counter, module = CompileCounter(), Evaluated()
    found = getattr(quiet(), call)(torch.compile(module, backend=counter), data())
    assert counter.frame_count == 1
    wanted = getattr(quiet(), call)(Evaluated(), data())
    if call == "predict":
        assert all(torch.equal(one, two) for one, two in zip(found, wanted, strict=True))
    else:
        assert found == wanted
