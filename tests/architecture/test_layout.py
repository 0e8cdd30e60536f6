"""Every plugin folder has the same shape."""

from __future__ import annotations

import re

import pytest

from tests.architecture.repository import ADD_ONS, KERNEL, TEMPLATE, Distribution, contracts, label

SECTIONS = ["Install", "Use", "Options", "Disable"]
FOLDERS = [*ADD_ONS, *TEMPLATE]
every_plugin = pytest.mark.parametrize("distribution", FOLDERS, ids=label)


@pytest.mark.parametrize("distribution", ADD_ONS, ids=label)
def test_names_follow_from_the_folder(distribution: Distribution) -> None:
    assert distribution.name == f"leyden-{distribution.folder.name}"
    assert distribution.source.is_dir(), f"the module of {distribution.name} is src/{distribution.module}"


@every_plugin
def test_the_folder_is_complete(distribution: Distribution) -> None:
    wanted = [
        distribution.folder / "README.md",
        distribution.source / "__init__.py",
        distribution.source / "py.typed",
        distribution.folder / "tests",
    ]
    missing = [str(path.relative_to(distribution.folder)) for path in wanted if not path.exists()]
    assert missing == []


@every_plugin
def test_the_readme_says_how_to_install_use_configure_and_disable(distribution: Distribution) -> None:
    text = (distribution.folder / "README.md").read_text(encoding="utf-8")
    first_words = re.findall(r"^## +(\w+)", text, flags=re.MULTILINE)
    assert [word for word in first_words if word in SECTIONS] == SECTIONS
    assert distribution.name in text


@every_plugin
def test_the_metadata_is_complete(distribution: Distribution) -> None:
    project = distribution.project
    assert project["readme"] == "README.md"
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    assert project["description"]
    assert "Typing :: Typed" in project["classifiers"]


@every_plugin
def test_the_plugin_is_found_through_entry_points_of_its_own_module(distribution: Distribution) -> None:
    assert distribution.entry_points, f"{distribution.name} declares no entry point in a leyden.* group"
    for table in distribution.entry_points.values():
        for target in table.values():
            assert re.split(r"[.:]", target)[0] == distribution.module


@every_plugin
def test_the_tests_hold_the_plugin_to_a_contract(distribution: Distribution) -> None:
    assert contracts(distribution), (
        f"no class in {distribution.name}'s tests subclasses a contract imported from leyden.testing"
    )


@pytest.mark.parametrize("distribution", [KERNEL, *FOLDERS], ids=label)
def test_the_only_package_is_the_module(distribution: Distribution) -> None:
    entries = [path.name for path in (distribution.folder / "src").iterdir() if not path.name.startswith(".")]
    assert entries == [distribution.source.name]
