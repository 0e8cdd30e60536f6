"""Small functions that callbacks and packages import."""

from __future__ import annotations

from typing import Any

from leyden_lightning.utilities.rank_zero import rank_zero_info


def get_standard_metrics(trainer: Any) -> dict[str, int | str]:
    """What progress bars show beside logged metrics: the version of the first logger's run."""
    from leyden_callback_progress.bar import standard_metrics

    return standard_metrics(trainer)


def _log_device_info(trainer: Any) -> None:
    """Say what the run computes on."""
    rank_zero_info(f"{type(trainer.accelerator).__name__}, devices: {trainer.device_ids}")
