"""FLOPs of a module, and the peak of a device."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from leyden.api.warn import warn

Formats = dict[str | torch.dtype, float]


def _peaks(
    float64: float | None,
    float32: float,
    tfloat32: float | None,
    bfloat16: float | None,
    float16: float,
    int8: float | None,
) -> Formats:
    named: dict[str | torch.dtype, float | None] = {
        torch.float64: float64,
        torch.float32: float32,
        "tfloat32": tfloat32,
        torch.bfloat16: bfloat16,
        torch.float16: float16,
        torch.int8: int8,
    }
    return {name: value * 1e12 for name, value in named.items() if value is not None}


# Teraflops without sparsity, of one GPU: float64, float32, TF32, bfloat16, float16, int8. Formats below 32 bits are
# those of tensor cores with accumulation in float32. Sources: NVIDIA's data sheets and architecture white papers.
CUDA_PEAKS: tuple[tuple[str, Formats], ...] = (
    (r"b200", _peaks(37, 75, 1125, 2250, 2250, 4500)),
    (r"h200 nvl", _peaks(30, 60, 417.5, 835.5, 835.5, 1670.5)),
    (r"h200", _peaks(33.5, 66.9, 494.7, 989.4, 989.4, 1978.9)),
    (r"h100 nvl", _peaks(30, 60, 417.5, 835.5, 835.5, 1670.5)),
    (r"h100 pcie", _peaks(25.6, 51.2, 378, 756, 756, 1513)),
    (r"h100", _peaks(33.5, 66.9, 494.7, 989.4, 989.4, 1978.9)),
    (r"l40s", _peaks(None, 91.6, 183, 362, 362, 733)),
    (r"l40", _peaks(None, 90.5, 90.5, 181, 181, 362)),
    (r"l4", _peaks(None, 30.3, 60, 121, 121, 242)),
    (r"a100", _peaks(9.7, 19.5, 156, 312, 312, 624)),
    (r"a40", _peaks(None, 37.4, 74.8, 149.7, 149.7, 299.3)),
    (r"a30", _peaks(5.2, 10.3, 82, 165, 165, 330)),
    (r"a10g?", _peaks(None, 31.2, 62.5, 125, 125, 250)),
    (r"rtx a6000", _peaks(None, 38.7, 77.4, 154.8, 154.8, 309.7)),
    (r"rtx 4090", _peaks(None, 82.6, 82.6, 165.2, 165.2, 660.6)),
    (r"rtx 4080 super", _peaks(None, 52.2, 52.2, 104.4, 104.4, 417.6)),
    (r"rtx 4080", _peaks(None, 48.7, 48.7, 97.5, 97.5, 389.9)),
    (r"rtx 3090 ti", _peaks(None, 40, 40, 80, 80, 320)),
    (r"rtx 3090", _peaks(None, 35.6, 35.6, 71, 71, 284)),
    (r"rtx 3080 ti", _peaks(None, 34.1, 34.1, 68.2, 68.2, 272.8)),
    (r"rtx 3080", _peaks(None, 29.8, 29.8, 59.5, 59.5, 238)),
    (r"rtx 3070", _peaks(None, 20.3, 20.3, 40.6, 40.6, 162.6)),
    (r"t4", _peaks(None, 8.1, None, None, 65, 130)),
    (r"v100s", _peaks(8.2, 16.4, None, None, 130, None)),
    (r"v100[ -]sxm\d?", _peaks(7.8, 15.7, None, None, 125, None)),
    (r"v100[ -]pcie", _peaks(7, 14, None, None, 112, None)),
)

# by generation, in bfloat16, which matrix multiplications use whatever the format; source: Google Cloud's documentation
TPU_PEAKS = {"v2": 45e12, "v3": 123e12, "v4": 275e12, "v5litepod": 197e12}


def measure_flops(
    model: nn.Module, forward_fn: Callable[[], Tensor], loss_fn: Callable[[Tensor], Tensor] | None = None
) -> int:
    """Count the FLOPs of a forward pass; with a loss, also those of the loss and the backward pass.

    With model and inputs on the ``meta`` device nothing is computed.

    Args:
        model: the model, for the reader; what is run is ``forward_fn``.
        forward_fn: runs it, and returns its output.
        loss_fn: the loss of that output.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        output = forward_fn()
        if loss_fn is not None:
            loss_fn(output).backward()
    return int(counter.get_total_flops())


def get_available_flops(device: torch.device, dtype: torch.dtype | str) -> int | None:
    """The peak of a device in FLOPs a second; ``None``, with a warning, for a CUDA device or format that is not known.

    Args:
        device: the device.
        dtype: the format; float32 counts as TF32 where matrix multiplications may use it.
    """
    if device.type == "xla":
        return _of_tpu()
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    peaks = next((one for pattern, one in CUDA_PEAKS if _matches(pattern, name)), None)
    if peaks is None:
        warn(
            "flops-unknown", f"The peak of {name!r} is not known: give it as available_flops to see the MFU."
        )
        return None
    if dtype is torch.float32 and "tfloat32" in peaks and torch.get_float32_matmul_precision() != "highest":
        dtype = "tfloat32"
    if dtype not in peaks:
        warn("flops-unknown", f"The peak of {name!r} in {dtype} is not known: give it as available_flops.")
        return None
    return int(peaks[dtype])


def _matches(pattern: str, name: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", name.lower()) is not None


def _of_tpu() -> int | None:
    from importlib import import_module

    environment = import_module("torch_xla._internal.tpu").get_tpu_env()
    name = environment.get("TYPE") or environment["ACCELERATOR_TYPE"].split("-")[0]
    if name.lower() not in TPU_PEAKS:
        warn("flops-unknown", f"The peak of TPU {name!r} is not known: give it as available_flops.")
        return None
    return int(TPU_PEAKS[name.lower()])


def compute_dtype(precision: str) -> torch.dtype:
    """The format that a precision multiplies matrices in."""
    if precision.startswith("transformer-engine"):
        return torch.int8
    for prefix, dtype in (("bf16", torch.bfloat16), ("16", torch.float16), ("64", torch.float64)):
        if precision.startswith(prefix):
            return dtype
    return torch.float32
