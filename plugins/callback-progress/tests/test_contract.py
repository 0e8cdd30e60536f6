from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import CallbackContract, OptionContract


class TestProgressBarContract(CallbackContract):
    entry_point = "progress_bar"

    def further_keywords(self) -> dict[str, Any]:
        return {"enable_progress_bar": True}


class TestLogProgressBarContract(CallbackContract):
    entry_point = "log_progress_bar"

    def further_keywords(self) -> dict[str, Any]:
        return {"enable_progress_bar": True}


class TestEnableProgressBarContract(OptionContract):
    entry_point = "enable_progress_bar"
    good: ClassVar[tuple[Any, ...]] = (True, False, None)
    bad: ClassVar[tuple[Any, ...]] = (1, 0, "True", [True])
