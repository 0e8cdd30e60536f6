from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from leyden import Trainer
from leyden.errors import ConfigurationError
from leyden.testing import TinyModule
from leyden_strategy_deepspeed import DeepSpeedPrecision, DeepSpeedStrategy

LIGHTNING = pytest.importorskip("pytorch_lightning.strategies").DeepSpeedStrategy


def test_arguments_are_lightnings() -> None:
    ours = list(inspect.signature(DeepSpeedStrategy).parameters.values())
    theirs = list(inspect.signature(LIGHTNING).parameters.values())
    own = [one.name for one in ours[len(theirs) :]]
    assert own == ["checkpoint_io", "start_method"]
    for one, other in zip(ours, theirs, strict=False):
        assert (one.name, one.default) == (other.name, other.default)


@pytest.mark.parametrize(
    ("name", "stage", "optimizer", "parameters"),
    [
        ("deepspeed", 2, None, None),
        ("deepspeed_stage_1", 1, None, None),
        ("deepspeed_stage_2", 2, None, None),
        ("deepspeed_stage_2_offload", 2, "cpu", None),
        ("deepspeed_stage_3", 3, None, None),
        ("deepspeed_stage_3_offload", 3, "cpu", "cpu"),
        ("deepspeed_stage_3_offload_nvme", 3, "nvme", "nvme"),
    ],
)
def test_names(name: str, stage: int, optimizer: str | None, parameters: str | None) -> None:
    zero = DeepSpeedStrategy.from_name(name).config["zero_optimization"]
    assert zero["stage"] == stage
    assert zero.get("offload_optimizer", {}).get("device") == optimizer
    assert zero.get("offload_param", {}).get("device") == parameters


def test_the_bound_of_clipping_is_always_written() -> None:
    assert DeepSpeedStrategy().engine_config()["gradient_clipping"] == 0.0


def test_a_bound_of_the_configuration_is_kept_and_no_other_is_added() -> None:
    configured = DeepSpeedStrategy(config={"gradient_clipping": 0.5, "zero_optimization": {"stage": 1}})
    assert configured.engine_config()["gradient_clipping"] == 0.5
    for bound in (0.5, 0.25):
        module = TinyModule()
        module.trainer = Trainer(
            strategy=configured, accelerator="cpu", devices=1, gradient_clip_val=bound, logger=False
        )
        configured.module = module
        if bound == 0.5:
            assert configured.engine_config()["gradient_clipping"] == 0.5
        else:
            with pytest.raises(ConfigurationError, match=r"gradient_clip_val=0.25 .*gradient_clipping=0.5"):
                configured.engine_config()


def test_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"zero_optimization": {"stage": 1}}))
    assert DeepSpeedStrategy(config=path).stage == 1
    monkeypatch.setenv("PL_DEEPSPEED_CONFIG_PATH", str(path))
    assert DeepSpeedStrategy(stage=3).stage == 1


@pytest.mark.parametrize(
    "given",
    [
        {"stage": 4},
        {"stage": True},
        {"remote_device": "cpu"},
        {"offload_params_device": "disk"},
        {"config": "nowhere.json"},
        {"config": {"optimizer": {}}},
        {"config": {"gradient_accumulation_steps": 2}},
    ],
    ids=str,
)
def test_what_is_not_possible_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(given)).split("_params")[0]):
        DeepSpeedStrategy(**given)


def test_precisions() -> None:
    assert DeepSpeedPrecision("bf16-mixed").precision == "bf16-mixed"
    with pytest.raises(ConfigurationError, match="64-true"):
        DeepSpeedPrecision("64-true")


def test_sync_batchnorm_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="sync_batchnorm=True .*DeepSpeedStrategy, which does not convert"
    ):
        Trainer(strategy="deepspeed", accelerator="cpu", devices=2, sync_batchnorm=True, logger=False)
