"""What steps returned, kept until the epoch's end for those who ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from leyden.api.session import Session

STAGES = ("train", "validation", "test", "predict")


class Outputs:
    """The outputs of one stage's running epoch.

    Every batch's output stays in memory, on its device, until the epoch's hooks are over.

    Args:
        session: the running session.
        stage: ``train``, ``validation``, ``test`` or ``predict``.
    """

    def __init__(self, session: Session, stage: str) -> None:
        self.session, self.stage = session, stage
        self.kept: dict[int, list[Any]] = {}

    def start(self, trainer: Any, pl_module: Any) -> None:
        """An epoch begins."""
        self.kept = {}

    def train_batch(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Keep a training batch's outputs, detached; a batch that was skipped has none."""
        taken = detached(outputs)
        if taken:
            self.kept.setdefault(0, []).append(taken)

    def batch(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
    ) -> None:
        """Keep an evaluation batch's outputs, unless there are none."""
        if outputs is not None:
            self.kept.setdefault(dataloader_idx, []).append(outputs)

    def forget(self, trainer: Any, pl_module: Any) -> None:
        """The epoch's hooks are over."""
        self.kept = {}

    def value(self) -> list[Any]:
        """A list of batches; for evaluation with several loaders, and always for prediction, a list of these."""
        if self.stage == "train":
            return self.kept.get(0, [])
        counts = {
            "validation": "num_val_batches",
            "test": "num_test_batches",
            "predict": "num_predict_batches",
        }
        loaders = len(getattr(self.session.trainer, counts[self.stage]))
        if loaders <= 1 and self.stage != "predict":
            return self.kept.get(0, [])
        return [self.kept.get(index, []) for index in range(loaders)]


def kept(session: Session, stage: str) -> list[Any]:
    """What a stage's running epoch has returned so far."""
    found: Outputs = vars(session)["legacy_outputs"][stage]
    return found.value()


def detached(value: Any) -> Any:
    """A value with every tensor in it detached, and without the ``hiddens`` of truncated backpropagation."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, Mapping):
        return {key: detached(one) for key, one in value.items() if key != "hiddens"}
    if isinstance(value, list):
        return [detached(one) for one in value]
    if isinstance(value, tuple):
        items = [detached(one) for one in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value
