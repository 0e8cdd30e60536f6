"""Every public metric of the installed torchmetrics is there, and nothing is imported before it is used."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import torchmetrics

import leyden.metrics
from leyden.errors import PluginBrokenError, PluginNotFoundError
from leyden.plugins.catalogue import catalogue

FOLDER = Path(__file__).resolve().parents[1]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("entry_points", FOLDER / "tools" / "entry_points.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declared() -> dict[str, str]:
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, str] = project["entry-points"]["leyden.metrics"]
    return found


def test_the_entry_points_are_those_of_the_installed_torchmetrics() -> None:
    assert declared() == {name: f"leyden_metrics:{name}" for name in tool().names()}


def test_every_class_is_listed_and_no_function() -> None:
    names = set(tool().names())
    assert {
        "Accuracy",
        "MeanSquaredError",
        "Metric",
        "MetricCollection",
        "MetricTracker",
        "MinMaxMetric",
    } <= names
    assert names <= set(torchmetrics.__all__)
    assert "functional" not in names


def test_the_tool_writes_its_table_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, text = tool(), (FOLDER / "pyproject.toml").read_text(encoding="utf-8")
    copy = tmp_path / "pyproject.toml"
    copy.write_text(
        text.replace('MeanSquaredError = "leyden_metrics:MeanSquaredError"\n', ""), encoding="utf-8"
    )
    monkeypatch.setattr(module, "PYPROJECT", copy)
    module.main()
    assert copy.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", [name for name in tool().names() if name != "Accuracy"])
def test_each_name_is_the_class_of_torchmetrics(name: str) -> None:
    assert getattr(leyden.metrics, name) is getattr(torchmetrics, name)


def test_nothing_is_imported_before_a_name_is_used() -> None:
    program = """
import sys
import leyden.metrics, leyden_metrics
names = dir(leyden.metrics)
print("MeanSquaredError" in names, {"torch", "torchmetrics", "numpy"} & set(sys.modules))
from leyden.metrics import MeanSquaredError
print("torchmetrics" in sys.modules, "leyden_metrics.accuracy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["True set()", "True False"], "")


def test_names_that_do_not_exist() -> None:
    with pytest.raises(PluginNotFoundError, match="Did you mean 'MeanSquaredError'"):
        leyden.metrics.MeanSquareError  # noqa: B018


def test_names_that_the_installed_torchmetrics_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = catalogue().named("leyden.metrics", "MatthewsCorrCoef")
    monkeypatch.setattr(entry, "_loaded", [])
    monkeypatch.setattr(entry, "failure", None)
    monkeypatch.delattr(torchmetrics, "MatthewsCorrCoef")
    with pytest.raises(PluginBrokenError, match=r"leyden-metrics.*MatthewsCorrCoef"):
        entry.load()
