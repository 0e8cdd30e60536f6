"""One of many, picked by name; and what is said when that is impossible."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from leyden.errors import PluginBlockedError, PluginConflictError, PluginNotFoundError
from leyden.plugins import components
from leyden.plugins.catalogue import Catalogue
from leyden.testing.dists import FakeDists

Scan = Callable[..., Catalogue]


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two plugins that the project publishes."""
    known = {"leyden.strategies": {"warp": ["leyden-strategy-warp", "WarpStrategy"]}}
    monkeypatch.setattr(components, "official", lambda: known)


def offer(dists: FakeDists, distribution: str, *names: str) -> None:
    """Install a distribution that offers strategies."""
    module = distribution.replace("-", "_")
    points = {name: f"{module}:{name.title()}" for name in names}
    body = "\n".join(f"class {name.title()}: owner = {distribution!r}" for name in names)
    dists(distribution, {"leyden.strategies": points}, {module: body})


def test_the_only_one_of_a_name_is_loaded(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast", "slow")
    assert components.resolve("strategies", "slow", scan()).owner == "acme"


def test_two_distributions_of_one_name_are_a_conflict_that_names_both_and_the_choices(
    dists: FakeDists, scan: Scan
) -> None:
    offer(dists, "acme", "fast")
    offer(dists, "bolt", "fast")
    with pytest.raises(PluginConflictError) as caught:
        components.find("strategies", "fast", scan())
    for word in (
        "strategy 'fast'",
        "acme 1.0",
        "bolt 1.0",
        "'acme:fast'",
        "'bolt:fast'",
        "LEYDEN_DISABLE_PLUGINS",
    ):
        assert word in str(caught.value)
    assert components.resolve("strategies", "bolt:fast", scan()).owner == "bolt"
    assert components.resolve("strategies", "fast", scan(deny=("bolt",))).owner == "acme"


def test_the_only_one_of_a_name_may_be_blocked(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast")
    with pytest.raises(PluginBlockedError, match="acme"):
        components.resolve("strategies", "fast", scan(allow=()))


def test_an_unknown_name_is_answered_with_what_is_there_and_the_nearest(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast", "slow")
    with pytest.raises(PluginNotFoundError) as caught:
        components.find("strategies", "fsat", scan())
    assert (
        str(caught.value)
        == "strategy 'fsat' is not installed; installed: 'fast', 'slow'. Did you mean 'fast'?"
    )


def test_a_name_that_the_project_publishes_is_answered_with_the_distribution(scan: Scan) -> None:
    with pytest.raises(PluginNotFoundError) as caught:
        components.find("strategies", "warp", scan())
    assert str(caught.value) == (
        "strategy 'warp' is not installed; installed: none. Install it with: pip install leyden-strategy-warp"
    )


def test_a_misspelled_name_of_the_projects_is_recognised(scan: Scan) -> None:
    with pytest.raises(PluginNotFoundError, match="Did you mean 'warp'"):
        components.find("strategies", "wrap", scan())


def test_a_distribution_that_does_not_offer_the_name(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast")
    with pytest.raises(PluginNotFoundError, match="'bolt:fast' is not installed; installed: 'fast'"):
        components.find("strategies", "bolt:fast", scan())


def test_by_attribute_loads_the_object_that_an_entry_point_names(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast", "slow")
    found = scan()
    assert components.by_attribute("strategies", "Fast", found).owner == "acme"
    assert list(components.attributes("strategies", found)) == ["Fast", "Slow"]


def test_an_attribute_of_two_distributions_is_a_conflict(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast")
    offer(dists, "bolt", "fast")
    with pytest.raises(
        PluginConflictError, match=r"'Fast' of leyden.strategies is offered by acme 1.0 and bolt 1.0"
    ):
        components.by_attribute("strategies", "Fast", scan())


def test_an_attribute_that_nobody_installed_is_answered_as_a_name_is(dists: FakeDists, scan: Scan) -> None:
    offer(dists, "acme", "fast")
    with pytest.raises(PluginNotFoundError, match="pip install leyden-strategy-warp"):
        components.by_attribute("strategies", "WarpStrategy", scan())
    with pytest.raises(
        PluginNotFoundError, match=r"has no 'Fats'; installed: 'Fast'\. Did you mean 'Fast'\?"
    ):
        components.by_attribute("strategies", "Fats", scan())
