"""Comet is silent and looks at nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "COMET_DISABLE_AUTO_LOGGING",
            "COMET_LOG_ENV_DETAILS",
            "COMET_LOG_CODE",
            "COMET_AUTO_OUTPUT_LOGGING",
        ):
            patch.setenv(
                name, {"COMET_DISABLE_AUTO_LOGGING": "1", "COMET_AUTO_OUTPUT_LOGGING": "false"}.get(name, "0")
            )
        patch.setenv("COMET_LOGGING_CONSOLE", "CRITICAL")
        import comet_ml  # noqa: F401

        yield


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """An experiment that a test leaves open would write its archive at the end of the program."""
    yield
    import comet_ml

    running = comet_ml.get_running_experiment()
    if running is not None and not running.ended:
        running.clean()  # does not wait a second, as end() does
