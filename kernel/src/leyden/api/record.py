"""Records: reduced metrics on their way to the loggers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """Metrics that belong to one point of a run.

    Attributes:
        metrics: plain numbers by name.
        step: the default x-axis: batches that stepped; during evaluation outside fit, a count of its own.
        epoch: the running epoch.
        batch: training batches completed in the run so far.
        phase: ``train``, ``validate``, ``test`` or ``predict``.
        with_epoch: whether loggers show the epoch beside the metrics.
        axes: the positions of metrics that have an x-axis of their own, by the metric's name.
        axis_names: what these axes are, by the metric's name: ``step``, ``epoch``, ``batch``, or another metric's name.
    """

    metrics: dict[str, float]
    step: int
    epoch: int
    batch: int
    phase: str
    with_epoch: bool = True
    axes: dict[str, int] = field(default_factory=dict)
    axis_names: dict[str, str] = field(default_factory=dict)
