"""Programs written for PyTorch Lightning, on Leyden: ``python -m leyden_lightning SCRIPT``, or :func:`install`."""

from __future__ import annotations

from typing import Any

from pluggy import HookimplMarker

from leyden_lightning.metadata import VERSION

__all__ = ["VERSION", "install", "installed", "uninstall"]

# What they need is imported when they are called: pytest imports this package in every test run.


def install() -> None:
    """Let ``pytorch_lightning``, ``lightning`` and ``lightning_fabric`` be Leyden, here and in child processes.

    Call it before the program imports any of them: what it has imported of the real packages stays what it is. Calling
    it again does nothing.
    """
    from leyden_lightning import switch

    switch.install()


def uninstall() -> None:
    """Undo :func:`install`: the real packages, where there are any, answer again."""
    from leyden_lightning import switch

    switch.uninstall()


def installed() -> bool:
    """Whether Lightning's names are Leyden in this process."""
    from leyden_lightning import switch

    return switch.installed()


@HookimplMarker("pytest")(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """``pytest -p leyden_lightning``: answer to Lightning's names before the first conftest is imported."""
    install()


@HookimplMarker("pytest")(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """The same where a conftest names ``leyden_lightning`` in ``pytest_plugins``."""
    install()
