"""What pytest loads in every session."""

from __future__ import annotations

from importlib.metadata import entry_points

from leyden import testing
from leyden.testing import fresh


def test_it_is_an_entry_point_of_the_kernel() -> None:
    (entry,) = entry_points(group="pytest11", name="leyden")
    assert entry.value == "leyden.testing.pytest_plugin"


def test_loading_it_imports_neither_torch_nor_a_plugin() -> None:
    report = fresh.importing("leyden.testing.pytest_plugin")
    assert report.status == 0, report.stderr
    assert not {"torch", "numpy"} & report.packages
    assert not {name for name in report.packages if name.startswith("leyden_")}


def test_the_kit_offers_a_contract_for_every_family() -> None:
    from leyden.plugins.catalogue import COMMANDS, COMPONENTS, DIALECTS, OPTIONS, PLUGINS, PREFIX

    contracts = [getattr(testing, name) for name in testing.__all__ if name.endswith("Contract")]
    groups = {contract.group for contract in contracts} - {""}
    assert groups == {PLUGINS, OPTIONS, COMMANDS, DIALECTS, *(PREFIX + family for family in COMPONENTS)}
