from __future__ import annotations

from typing import Any

from leyden.testing import CallbackContract


class TestContract(CallbackContract):
    entry_point = "rich_progress_bar"

    def further_keywords(self) -> dict[str, Any]:
        return {"enable_progress_bar": True}
