"""Every name that programs written for Lightning import: it is there, or the error says what to do."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

NAMES = (Path(__file__).parent / "names.txt").read_text().split()
IMPOSSIBLE = {
    "lightning.fabric.Fabric": "Leyden has no Fabric",
    "lightning.fabric.strategies.fsdp._get_full_state_dict_context": "use FSDPStrategy",
    "lightning.fabric.strategies.fsdp._setup_activation_checkpointing": "use FSDPStrategy",
    "lightning.fabric.utilities.registry._register_classes": "entry points",
}
PRIVATE_OF_A_COMPONENT = {"lightning.pytorch.strategies.DDPStrategy._setup_model"}


def found(name: str) -> Any:
    """The object, as ``from module import name`` finds it and what stands in a class."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value: Any = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        except ImportError:
            if end == len(parts):
                raise
            continue
        for part in parts[end:]:
            value = getattr(value, part)
        return value
    raise AssertionError(name)


@pytest.mark.parametrize("name", [one for one in NAMES if one not in {*IMPOSSIBLE, *PRIVATE_OF_A_COMPONENT}])
def test_is_there_or_names_what_to_install(name: str, installed: None) -> None:
    try:
        assert found(name) is not None
    except (ImportError, AttributeError) as error:
        # a plugin's class whose distribution is not installed here
        assert "pip install leyden-" in str(error) or "installed:" in str(error)


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_the_impossible_says_why(name: str, installed: None) -> None:
    module, _, short = name.rpartition(".")
    with pytest.raises(ImportError, match=IMPOSSIBLE[name]):
        exec(f"from {module} import {short}")


def test_most_are_there(installed: None) -> None:
    missing = []
    for name in NAMES:
        try:
            found(name)
        except (ImportError, AttributeError):
            missing.append(name)
    kernel = [
        one
        for one in missing
        if not any(part in one for part in ("callbacks", "loggers", "cli", "Strategy", "spike"))
    ]
    assert {*kernel} <= {
        *IMPOSSIBLE,
        "lightning.fabric.utilities.throughput.measure_flops",
        "lightning.pytorch.plugins.environments.LightningEnvironment",
    }


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("lightning.data", "litdata"),
        ("lightning.pytorch.demos.transformer", "boring_classes"),
        ("pytorch_lightning.serve", "leyden.exporters"),
        ("lightning_fabric.wrappers", "no Fabric"),
    ],
)
def test_a_module_without_counterpart_says_why(module: str, reason: str, installed: None) -> None:
    with pytest.raises(ModuleNotFoundError, match=reason):
        import_module(module)


def test_a_module_that_lightning_does_not_have_is_not_there(installed: None) -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        import_module("lightning.pytorch.nothing")
