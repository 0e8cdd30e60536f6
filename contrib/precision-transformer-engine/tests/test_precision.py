"""With a fake of Transformer Engine: see conftest.py. Nothing here says how FP8 computes."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from leyden import Trainer
from leyden.api.warn import LeydenWarning
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden_precision_transformer_engine import TransformerEnginePrecision

CUDA = torch.device("cuda", 0)
without_cuda = pytest.mark.filterwarnings("ignore:.*CUDA is not available:UserWarning")


def made(**arguments: Any) -> TransformerEnginePrecision:
    return TransformerEnginePrecision(**{"weights_dtype": torch.bfloat16, **arguments})


def net() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict(
        {"body": nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16)), "head": nn.Linear(16, 16, bias=False)}
    )


def test_layers_are_replaced_with_their_parameters(engine: SimpleNamespace) -> None:
    module = net()
    before = {name: one.clone() for name, one in module.state_dict().items()}
    made().convert_module(module)
    kinds = [type(one).__module__ for one in (*module["body"], module["head"])]
    assert kinds == ["transformer_engine.pytorch"] * 3
    after = module.state_dict()
    assert list(after) == list(before)
    assert {one.dtype for one in after.values()} == {torch.bfloat16}
    assert all(torch.equal(after[name], one.bfloat16()) for name, one in before.items())


def test_layers_are_not_replaced_where_that_is_not_wanted_or_was_done(engine: SimpleNamespace) -> None:
    module = net()
    made(replace_layers=False).convert_module(module)
    assert type(module["head"]) is nn.Linear and module["head"].weight.dtype is torch.bfloat16
    module["head"] = engine.module.Linear(16, 16)
    made(replace_layers=True).convert_module(module)
    assert type(module["body"][0]) is nn.Linear


def test_sizes_that_fp8_does_not_allow_stay(engine: SimpleNamespace) -> None:
    module = nn.Sequential(nn.Linear(8, 10), nn.Linear(10, 16), nn.Linear(16, 32))
    with pytest.warns(LeydenWarning, match=r"fp8-sizes.*'[01]' \((8 to 10|10 to 16)\)") as caught:
        made().convert_module(module)
    assert len(caught) == 2
    assert [type(one) is nn.Linear for one in module] == [True, True, False]


@without_cuda
def test_steps_run_in_the_engine_s_context_by_either_of_its_names(engine: SimpleNamespace) -> None:
    precision = made(recipe={"margin": 2, "fp8_format": "E4M3"})
    with precision.forward_context():
        assert torch.get_default_dtype() is torch.bfloat16
    assert engine.entered == [engine.recipe(2, engine.format.E4M3)]
    newer = engine.module.autocast
    del engine.module.autocast
    engine.module.fp8_autocast = lambda enabled, fp8_recipe: newer(enabled, fp8_recipe)
    with precision.forward_context():
        assert len(engine.entered) == 2
    assert torch.get_default_dtype() is torch.float32


def test_batches_get_the_dtype_of_weights(engine: SimpleNamespace) -> None:
    precision = made(weights_dtype=torch.float16)
    batch = precision.convert_input({"x": torch.ones(2), "n": torch.arange(2)})
    assert (batch["x"].dtype, batch["n"].dtype) == (torch.float16, torch.int64)
    assert precision.precision == "transformer-engine-float16"


def test_by_name(engine: SimpleNamespace) -> None:
    for name, dtype in (
        ("transformer-engine", torch.bfloat16),
        ("transformer-engine-float16", torch.float16),
    ):
        precision = TransformerEnginePrecision.from_name(name, CUDA)
        assert (precision.precision, precision.weights_dtype) == (name, dtype)
        assert precision.fallback_compute_dtype is dtype
    with pytest.raises(
        ConfigurationError, match=r"precision='transformer-engine' .*another one on cpu.*NVIDIA GPUs"
    ):
        Trainer(accelerator="cpu", precision="transformer-engine", logger=False)


def test_without_the_engine_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformer_engine", None)
    for make in (made, lambda: Trainer(precision="transformer-engine", logger=False)):
        with pytest.raises(
            ConfigurationError, match=r"pip install 'leyden-precision-transformer-engine\[engine\]'"
        ):
            make()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"recipe": {"fp8_format": "E9"}}, "fp8_format='E9'"),
        ({"recipe": {"marginal": 1}}, "recipe=.*arguments of DelayedScaling.*marginal"),
    ],
)
def test_bad_recipes_are_refused(engine: SimpleNamespace, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        made(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"weights_dtype": "bf16"},
        {"weights_dtype": torch.int8},
        {"replace_layers": "no"},
        {"fallback_compute_dtype": 16},
    ],
)
def test_bad_arguments_are_refused(engine: SimpleNamespace, arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentTypeError, match=next(iter(arguments))):
        made(**arguments)


def test_a_recipe_of_the_engine_is_taken_as_it_is(engine: SimpleNamespace) -> None:
    recipe = engine.recipe(margin=3)
    assert made(recipe=recipe).recipe is recipe


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_with_the_engine() -> None:
    pytest.importorskip("transformer_engine")
    precision, module = TransformerEnginePrecision.from_name("transformer-engine", CUDA), net().to(CUDA)
    precision.convert_module(module)
    with precision.forward_context():
        y = module["head"](module["body"](torch.randn(16, 8, device=CUDA, dtype=torch.bfloat16)))
    y.float().sum().backward()
    assert module["head"].weight.grad is not None
