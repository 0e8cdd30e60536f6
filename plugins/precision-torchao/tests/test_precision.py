from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from leyden import Trainer
from leyden.api.warn import LeydenWarning
from leyden.errors import ArgumentTypeError, ConfigurationError, PluginNotFoundError
from leyden.testing import Runner, TinyModule
from leyden_precision_torchao import Float8Precision, Int8Precision, QATPrecision
from leyden_precision_torchao.float8 import has_float8

CPU = torch.device("cpu")
OWN = ["leyden-precision-torchao"]


class Wide(TinyModule):
    """A layer whose sizes fit, before TinyModule's own; notes its type and the names in its state."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Linear(16, 16)
        self.seen: set[str] = set()

    def loss(self, batch: Any) -> Any:
        self.seen.add(type(self.wide).__name__)
        return super().loss(batch) + self.wide(torch.ones(16, 16)).square().mean()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("float8", "Float8Linear"),
        ("fp8", "Float8Linear"),
        ("float8-rowwise", "Float8Linear"),
        ("int8-mixed", "Int8MixedPrecisionTrainingLinear"),
        ("int8-qat", "FakeQuantizedLinear"),
    ],
)
def test_a_run_by_name_replaces_layers_while_it_lasts(leyden_run: Runner, name: str, kind: str) -> None:
    module = Wide()
    before = module.wide.weight.detach().clone()
    outcome = leyden_run("fit", module=module, allowed=OWN, precision=name).ok()
    assert module.seen == {kind}
    assert type(module.wide) is nn.Linear
    assert not torch.equal(module.wide.weight, before)
    warned = [text for text in outcome.warnings if text.startswith("[float8-emulated]")]
    assert len(warned) == (1 if kind == "Float8Linear" else 0)


def test_by_name_on_hardware_without_float8_it_is_emulated_and_says_so() -> None:
    with pytest.warns(LeydenWarning, match=r"float8-emulated.*'fp8' is emulated on cpu.*8\.9"):
        precision = Float8Precision.from_name("fp8", CPU)
    assert (precision.precision, precision.emulate, precision.device) == ("float8", True, "cpu")


@pytest.mark.parametrize(("capability", "expected"), [((8, 6), False), ((8, 9), True), ((9, 0), True)])
def test_float8_is_a_matter_of_compute_capability(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_float8(torch.device("cuda", 0)) is expected
    assert has_float8(CPU) is False


def test_sizes_that_do_not_fit_stay_as_they_are() -> None:
    module = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 10), nn.Linear(10, 16))
    Float8Precision("float8", "cpu", emulate=True).convert_module(module)
    assert [type(one).__name__ for one in module] == ["Float8Linear", "Linear", "Linear"]


def test_int4_needs_groups_of_inputs() -> None:
    module = nn.Sequential(nn.Linear(48, 8), nn.Linear(64, 8))
    QATPrecision("int4-qat").convert_module(module)
    assert [type(one).__name__ for one in module] == ["Linear", "FakeQuantizedLinear"]


def test_ignored_paths_stay_as_they_are() -> None:
    module = nn.ModuleDict({"body": nn.Sequential(nn.Linear(16, 16)), "head": nn.Linear(16, 16)})
    module["header"] = nn.Linear(16, 16)
    precision = QATPrecision(ignore_modules={"head", "body.0"})
    precision.convert_module(module)
    assert type(module["head"]) is type(module["body"][0]) is nn.Linear
    assert type(module["header"]) is not nn.Linear
    assert type(precision.quantize(module)["head"].weight) is nn.Parameter


def test_attention_s_own_projection_is_left_alone() -> None:
    attention = nn.MultiheadAttention(16, 2)
    kind = type(attention.out_proj)
    with pytest.warns(LeydenWarning, match="no-linear-layers"):
        Int8Precision().convert_module(attention)
    assert type(attention.out_proj) is kind


def test_converting_twice_changes_nothing() -> None:
    precision, module = Int8Precision(), nn.Sequential(nn.Linear(16, 16))
    precision.convert_module(module)
    first = module[0]
    assert precision.convert_module(module)[0] is first
    precision.teardown()
    precision.teardown()
    assert type(module[0]) is nn.Linear


def test_a_module_without_layers_to_replace_is_warned_about() -> None:
    with pytest.warns(LeydenWarning, match=r"no-linear-layers.*'float8' finds no linear layer"):
        Float8Precision("float8", "cpu", emulate=True).convert_module(nn.Sequential(nn.Conv2d(1, 1, 1)))


@pytest.mark.parametrize("kind", [Float8Precision, Int8Precision, QATPrecision])
def test_other_names_are_refused(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="precision='int3'"):
        kind("int3")


@pytest.mark.parametrize("given", ["lm_head", [1]])
def test_what_is_no_set_of_paths_is_refused(given: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"ignore_modules=.*\{'lm_head'\}"):
        Int8Precision(ignore_modules=given)


def test_a_config_says_itself_whether_it_emulates() -> None:
    from torchao.float8 import Float8LinearConfig

    with pytest.raises(ConfigurationError, match="emulate=True"):
        Float8Precision(config=Float8LinearConfig(), emulate=True)
    config = Float8LinearConfig(emulate=True)
    made: Any = Float8Precision("float8", "cpu", config=config).replacement(nn.Linear(16, 16))
    assert made.config is config


def test_a_config_that_cannot_be_trained_with_is_refused() -> None:
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig

    precision = QATPrecision(base_config=Int8DynamicActivationInt8WeightConfig())
    with pytest.raises(ConfigurationError, match="base_config"):
        precision.convert_module(nn.Sequential(nn.Linear(16, 16)))


def test_a_misspelt_name_names_the_right_one() -> None:
    with pytest.raises(PluginNotFoundError, match="Did you mean 'float8'"):
        Trainer(precision="flaot8")
