from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar

import pytest

from leyden.testing import CallbackContract, OptionContract


class TestModelSummaryContract(CallbackContract):
    entry_point = "model_summary"


@pytest.mark.skipif(find_spec("rich") is None, reason="needs rich")
class TestRichModelSummaryContract(CallbackContract):
    entry_point = "rich_model_summary"


class TestEnableModelSummaryContract(OptionContract):
    entry_point = "enable_model_summary"
    good: ClassVar[tuple[Any, ...]] = (True, False, None)
    bad: ClassVar[tuple[Any, ...]] = (1, 0, "True", [True])
