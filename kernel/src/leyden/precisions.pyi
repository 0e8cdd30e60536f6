"""Generated from the official plugins by ``python -m tests.architecture.stubs``."""

from typing import Any

from leyden.interfaces.precision import Precision as Precision
from leyden_precision_full import DoublePrecision as DoublePrecision
from leyden_precision_full import FullPrecision as FullPrecision
from leyden_precision_full import HalfPrecision as HalfPrecision
from leyden_precision_mixed import MixedPrecision as MixedPrecision
from leyden_precision_torchao import Float8Precision as Float8Precision
from leyden_precision_torchao import Int8Precision as Int8Precision
from leyden_precision_torchao import QATPrecision as QATPrecision

def __getattr__(name: str) -> Any: ...  # what plugins of third parties offer
