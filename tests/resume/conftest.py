"""What takes minutes runs when it is asked for by its marker."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long trials unless ``-m`` names their marker."""
    if "kills" in str(config.getoption("markexpr")):
        return
    long = [one for one in items if one.get_closest_marker("kills") is not None]
    if long:
        items[:] = [one for one in items if one not in long]
        config.hook.pytest_deselected(items=long)
