"""``pytest --leyden-lightning``, or the environment variable ``LEYDEN_LIGHTNING=1``; otherwise nothing."""

from __future__ import annotations

import os
from typing import Any

from pluggy import HookimplMarker

hookimpl = HookimplMarker("pytest")
_NO = ("", "0", "false", "no", "off")


def pytest_addoption(parser: Any) -> None:
    """The option."""
    parser.getgroup("leyden").addoption(
        "--leyden-lightning",
        action="store_true",
        default=False,
        help="let pytorch_lightning and lightning be Leyden in this test run",
    )


@hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    """Answer to Lightning's names before the first conftest is imported, if that was asked for."""
    wanted = os.environ.get("LEYDEN_LIGHTNING", "").lower() not in _NO
    if wanted or early_config.known_args_namespace.leyden_lightning:
        from leyden_lightning import install

        install()
