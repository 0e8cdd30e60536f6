"""``LambdaCallback``."""

from __future__ import annotations

from leyden_callback_lambda.callback import LambdaCallback

__all__ = ["LambdaCallback"]
