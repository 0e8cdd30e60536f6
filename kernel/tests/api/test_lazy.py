"""Names that are imported when first used."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from leyden.api import _lazy


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_the_collector_rests_while_a_name_is_imported(
    enabled: bool, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def imported(name: str) -> ModuleType:
        seen.append(gc.isenabled())
        if fails:
            raise ImportError(name)
        return sys

    monkeypatch.setattr(_lazy, "import_module", imported)
    monkeypatch.setitem(sys.modules, "lazy_home", ModuleType("lazy_home"))
    get, _, _ = _lazy.lazy("lazy_home", {"path": "sys"})
    (gc.enable if enabled else gc.disable)()
    if fails:
        with pytest.raises(ImportError):
            get("path")
    else:
        assert get("path") is sys.path
    assert (seen, gc.isenabled()) == ([False], enabled)
