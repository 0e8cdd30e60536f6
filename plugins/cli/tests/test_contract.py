from __future__ import annotations

import sys

import pytest

from leyden.testing import CommandContract


class _Contract(CommandContract):
    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["leyden"])


class TestFit(_Contract):
    entry_point = "fit"


class TestValidate(_Contract):
    entry_point = "validate"


class TestTest(_Contract):
    entry_point = "test"


class TestPredict(_Contract):
    entry_point = "predict"
