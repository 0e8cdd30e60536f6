from __future__ import annotations

from typing import Any

from leyden.testing import CallbackContract
from leyden_callback_lambda import LambdaCallback


def nothing(*args: Any) -> None:
    pass


class TestContract(CallbackContract):
    entry_point = "lambda_callback"

    def make(self) -> LambdaCallback:
        return LambdaCallback(setup=nothing, on_train_batch_end=nothing, teardown=nothing)
