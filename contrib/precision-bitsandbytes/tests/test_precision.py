"""With bitsandbytes itself, on the CPU."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.testing import HostCheckpointIO, Runner, TinyModule
from leyden_precision_bitsandbytes import BitsandbytesPrecision
from leyden_precision_bitsandbytes.layers import MODES, weights

pytestmark = pytest.mark.filterwarnings("ignore:.*inputs will be cast:UserWarning")
OWN = ["leyden-precision-bitsandbytes", "leyden-precision-full"]
FROZEN = [mode for mode in MODES if mode != "int8-training"]
every = pytest.mark.parametrize("mode", MODES)
frozen = pytest.mark.parametrize("mode", FROZEN)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))


def converted(mode: str, module: nn.Module, **arguments: Any) -> Any:
    made = BitsandbytesPrecision(mode, **arguments).convert_module(module)
    return made.to("cpu")  # where weights are quantized, as on any device


class Adapted(TinyModule):
    """A frozen base, and an adapter that is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Conv1d(4, 64, 1)
        self.base = nn.Linear(64, 64)
        self.adapter = nn.Linear(64, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.adapter(self.base(self.lift(x.unsqueeze(2)).squeeze(2)).relu())
        return y


@every
def test_outputs_are_near_and_not_the_same(mode: str) -> None:
    x = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))
    exact, module = net()(x).detach(), converted(mode, net())
    found = module(x.to(next(one.dtype for one in module.parameters() if one.is_floating_point())))
    assert (
        1e-4
        < float((found.detach().float() - exact).norm() / exact.norm())
        < (0.03 if "int8" in mode else 0.2)
    )


@frozen
def test_weights_are_small_and_frozen(mode: str) -> None:
    module = converted(mode, net())
    weight = module[0].weight
    assert weight.dtype is (torch.int8 if mode == "int8" else torch.uint8)
    assert weight.numel() == 64 * 64 // (1 if mode == "int8" else 2)
    assert not weight.requires_grad and module[0].bias.requires_grad


@frozen
def test_states_are_those_of_the_plain_module(mode: str) -> None:
    module, plain = converted(mode, net()), net()
    state = module.state_dict()
    assert {name: one.shape for name, one in state.items()} == {
        name: one.shape for name, one in plain.state_dict().items()
    }
    plain.load_state_dict(state)
    torch.testing.assert_close(plain[0].weight.detach(), weights(module[0]), rtol=1e-6, atol=1e-6)
    again, other = converted(mode, plain), converted(mode, net())
    other[0].bias.data.zero_()
    other.load_state_dict(state)  # into weights that were quantized already
    for one in (again, other):
        torch.testing.assert_close(weights(one[0]), weights(module[0]), rtol=2e-2, atol=2e-3)
        torch.testing.assert_close(one[0].bias, module[0].bias)


def test_a_state_of_other_sizes_is_refused_by_torch() -> None:
    module = converted("nf4", net())
    with pytest.raises(RuntimeError, match="size mismatch"):
        module.load_state_dict({**net().state_dict(), "0.weight": torch.ones(3, 3)})


def test_ignored_paths_stay() -> None:
    module = converted(
        "nf4", nn.ModuleDict({"body": net(), "lm_head": nn.Linear(32, 8)}), ignore_modules={"lm_head"}
    )
    assert type(module["lm_head"]) is nn.Linear
    assert type(module["body"][0]) is not nn.Linear
    assert module["lm_head"].weight.dtype is torch.bfloat16


def test_converting_twice_changes_nothing() -> None:
    precision, module = BitsandbytesPrecision("nf4"), net()
    precision.convert_module(module)
    layer = module[0]
    assert precision.convert_module(module)[0] is layer


def test_an_adapter_is_trained_beside_a_frozen_base_and_resumed(leyden_run: Runner, tmp_path: Path) -> None:
    path, module = tmp_path / "adapted.ckpt", Adapted()
    adapter, base = module.adapter.weight.detach().clone(), module.base.weight.detach().clone()

    def kept() -> dict[str, Any]:
        precision = BitsandbytesPrecision("int8", ignore_modules={"adapter", "layer"})
        return {"allowed": OWN, "plugins": [HostCheckpointIO(), precision]}

    outcome = leyden_run("fit", module=module, max_epochs=2, **kept()).ok()
    assert (module.base.weight.dtype, module.adapter.weight.dtype) == (torch.int8, torch.float16)
    assert not torch.equal(module.adapter.weight.detach().float(), adapter)
    torch.testing.assert_close(weights(module.base), base, rtol=0.02, atol=0.002)
    outcome.trainer.save_checkpoint(path)
    plain, resumed = Adapted(), Adapted()
    plain.load_state_dict(torch.load(path, weights_only=True)["state_dict"])
    torch.testing.assert_close(plain.base.weight.detach(), weights(module.base), rtol=1e-6, atol=1e-6)
    again = leyden_run("fit", module=resumed, max_epochs=3, ckpt_path=path, **kept()).ok()
    assert again.trainer.global_step > outcome.trainer.global_step
    torch.testing.assert_close(weights(resumed.base), weights(module.base), rtol=1e-2, atol=1e-4)


def test_int8_training_on_a_cpu_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"precision='bitsandbytes-int8-training' .*use a GPU"):
        BitsandbytesPrecision.from_name("bitsandbytes-int8-training", torch.device("cpu"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mode": "int9"}, r"mode='int9' .*'int8'"),
        ({"mode": "int8", "dtype": torch.bfloat16}, r"dtype=torch.bfloat16 .*torch.float16 with mode='int8'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        BitsandbytesPrecision(**arguments)


@pytest.mark.parametrize(
    "arguments", [{"dtype": torch.int8}, {"dtype": "bf16"}, {"ignore_modules": "lm_head"}], ids=str
)
def test_other_types_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ArgumentTypeError, match=next(iter(arguments))):
        BitsandbytesPrecision("nf4", **arguments)


def test_a_module_without_linear_layers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="quantizes linear layers, and Conv2d has none"):
        BitsandbytesPrecision("nf4").convert_module(nn.Conv2d(1, 1, 1))


def test_without_the_engine_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(ConfigurationError, match="pip install bitsandbytes"):
        BitsandbytesPrecision("nf4")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every
def test_on_a_gpu(mode: str) -> None:
    module = BitsandbytesPrecision(mode).convert_module(net()).to("cuda")
    dtype = torch.float16 if mode.startswith("int8") else torch.bfloat16
    assert torch.isfinite(module(torch.randn(8, 64, device="cuda", dtype=dtype))).all()
