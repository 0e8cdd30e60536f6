"""One version for all distributions, and sibling ranges that fit it."""

from __future__ import annotations

import runpy

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.architecture.repository import (
    ALL,
    METAPACKAGE,
    PLUGINS,
    TEMPLATE,
    VERSION_FILE,
    Distribution,
    label,
)

VERSION = Version(runpy.run_path(str(VERSION_FILE))["__version__"])


def _siblings(distribution: Distribution) -> list[Requirement]:
    ours = {other.name for other in ALL}
    declared = [*distribution.requirements, *(one for many in distribution.extras.values() for one in many)]
    return [requirement for requirement in declared if requirement.name in ours]


@pytest.mark.parametrize("distribution", [one for one in ALL if one not in TEMPLATE], ids=label)
def test_the_version_comes_from_the_one_file(distribution: Distribution) -> None:
    source = distribution.folder / distribution.pyproject["tool"]["hatch"]["version"]["path"]
    assert source.resolve() == VERSION_FILE
    assert distribution.project["dynamic"] == ["version"]
    assert "version" not in distribution.project


@pytest.mark.parametrize("distribution", ALL, ids=label)
def test_sibling_ranges_are_compatible_releases_that_admit_the_version(distribution: Distribution) -> None:
    for requirement in _siblings(distribution):
        if requirement.extras and requirement.name == distribution.name:
            continue
        operators = [clause.operator for clause in requirement.specifier]
        assert operators == ["~="], f"{distribution.name} asks for {requirement}; write ~={VERSION}"
        assert requirement.specifier.contains(VERSION, prereleases=True), str(requirement)


@pytest.mark.parametrize("distribution", [one for one in ALL if one.name.startswith("leyden-")], ids=label)
def test_every_plugin_states_its_range_on_the_kernel(distribution: Distribution) -> None:
    if distribution.name != "leyden-kernel":
        assert "leyden-kernel" in distribution.depends_on


def test_the_metapackage_offers_every_plugin_once() -> None:
    default = METAPACKAGE.depends_on - {"leyden-kernel"}
    extras = {extra: many for extra, many in METAPACKAGE.extras.items() if extra != "all"}
    for extra, requirements in extras.items():
        assert [requirement.name for requirement in requirements] == [f"leyden-{extra}"]
    optional = {f"leyden-{extra}" for extra in extras}
    assert default.isdisjoint(optional)
    assert default | optional == {plugin.name for plugin in PLUGINS}


def test_the_extra_all_holds_every_other_extra() -> None:
    (everything,) = METAPACKAGE.extras["all"]
    assert everything.name == "leyden"
    assert everything.extras == METAPACKAGE.extras.keys() - {"all"}
