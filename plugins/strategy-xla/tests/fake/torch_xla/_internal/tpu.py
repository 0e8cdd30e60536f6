"""Of ``torch_xla._internal.tpu``."""

from __future__ import annotations

import os


def num_available_chips() -> int:
    return int(os.environ.get("FAKE_TPU_CHIPS", "0"))


def num_available_devices() -> int:
    return num_available_chips()
