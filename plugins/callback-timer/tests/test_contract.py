from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from leyden.testing import CallbackContract, OptionContract
from leyden_callback_timer import Timer


class TestContract(CallbackContract):
    entry_point = "timer"

    def make(self) -> Timer:
        return Timer("00:01:00:00")


class TestContractWithoutTime(CallbackContract):
    entry_point = "timer"

    def make(self) -> Timer:
        return Timer({"microseconds": 1}, interval="epoch")


class TestMaxTimeContract(OptionContract):
    entry_point = "max_time"
    good: ClassVar[tuple[Any, ...]] = ("00:01:00:00", timedelta(minutes=1), {"minutes": 1}, {"hours": 0.5})
    bad: ClassVar[tuple[Any, ...]] = (
        "soon",
        "1:00",
        17,
        True,
        float("nan"),
        timedelta(seconds=-1),
        {"second": 1},
        {"seconds": "1"},
        [17],
    )
