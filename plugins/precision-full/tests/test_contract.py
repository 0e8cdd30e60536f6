from __future__ import annotations

from leyden.testing import PrecisionContract


class TestFullContract(PrecisionContract):
    entry_point = "32-true"


class TestDoubleContract(PrecisionContract):
    entry_point = "64-true"
    parameter_dtype = compute_dtype = "float64"


class TestHalfContract(PrecisionContract):
    entry_point = "16-true"
    parameter_dtype = compute_dtype = "float16"


class TestBrainHalfContract(PrecisionContract):
    entry_point = "bf16-true"
    parameter_dtype = compute_dtype = "bfloat16"
