from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _the_present_api_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel refuses by itself, the default installation may understand as Lightning 1.x's."""
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "leyden-legacy")
