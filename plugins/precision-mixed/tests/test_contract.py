from __future__ import annotations

from torch.amp.grad_scaler import GradScaler

from leyden.testing import PrecisionContract
from leyden_precision_mixed import MixedPrecision


class TestBrainContract(PrecisionContract):
    entry_point = "bf16-mixed"
    compute_dtype = "bfloat16"


class TestScaledContract(PrecisionContract):
    entry_point = "16-mixed"
    compute_dtype = "float16"
    scales = True

    def make(self) -> MixedPrecision:
        """On a CPU the name alone stands for bfloat16; the default scale overflows in the contract's layer."""
        return MixedPrecision("16-mixed", "cpu", GradScaler("cpu", init_scale=2.0**8))
