from __future__ import annotations

from typing import Any, ClassVar

from leyden.testing import CallbackContract, OptionContract


class TestModelSummaryContract(CallbackContract):
    entry_point = "model_summary"


class TestRichModelSummaryContract(CallbackContract):
    entry_point = "rich_model_summary"


class TestEnableModelSummaryContract(OptionContract):
    entry_point = "enable_model_summary"
    good: ClassVar[tuple[Any, ...]] = (True, False, None)
    bad: ClassVar[tuple[Any, ...]] = (1, 0, "True", [True])
