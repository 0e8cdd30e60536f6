from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import torch
import torch._inductor.config as inductor

from leyden import Callback
from leyden_option_reproducibility.settings import CUBLAS


def flags() -> dict[str, Any]:
    """Everything that the plugin may change, as it is now."""
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "inductor": inductor.deterministic,
        "benchmark": torch.backends.cudnn.benchmark,
        "anomaly": torch.is_anomaly_enabled(),
        "check_nan": torch.is_anomaly_check_nan_enabled(),
        "cublas": os.environ.get(CUBLAS),
    }


def set_flags(wanted: dict[str, Any]) -> None:
    """Make them so."""
    torch.use_deterministic_algorithms(wanted["deterministic"], warn_only=wanted["warn_only"])
    inductor.deterministic = wanted["inductor"]
    torch.backends.cudnn.benchmark = wanted["benchmark"]
    torch.autograd.set_detect_anomaly(wanted["anomaly"], wanted["check_nan"])
    os.environ.pop(CUBLAS, None)
    if wanted["cublas"] is not None:
        os.environ[CUBLAS] = wanted["cublas"]


class Looking(Callback):
    """Sees the flags in many hooks, and fails in one."""

    hooks: ClassVar[tuple[str, ...]] = (
        "prepare_data",
        "setup",
        "on_fit_start",
        "on_sanity_check_start",
        "on_train_batch_start",
        "on_validation_start",
        "on_test_start",
        "on_predict_start",
        "on_fit_end",
    )

    def __init__(self, fail_in: str = "", error: type[BaseException] = RuntimeError) -> None:
        self.seen: dict[str, dict[str, Any]] = {}
        for hook in {*self.hooks, fail_in} - {""}:
            setattr(self, hook, self._method(hook, error if hook == fail_in else None))

    def _method(self, hook: str, error: type[BaseException] | None) -> Any:
        def method(trainer: Any, *args: Any) -> None:
            self.seen[hook] = flags()
            if error is not None:
                raise error(f"raised in {hook}")

        return method


ORDINARY = {
    "deterministic": False,
    "warn_only": False,
    "inductor": False,
    "benchmark": False,
    "anomaly": False,
    "check_nan": True,
    "cublas": None,
}


@pytest.fixture(autouse=True)
def ordinary() -> Iterator[dict[str, Any]]:
    """Every test begins with torch's defaults, and leaves what it found."""
    found = flags()
    set_flags(ORDINARY)
    yield ORDINARY
    set_flags(found)
