"""What comes back to the calling process from a run in other processes."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from torch import Tensor

from leyden.api.transfer import map_nested
from leyden.api.warn import warn
from leyden.kernel.state import TrainerFn

if TYPE_CHECKING:
    from leyden.api.session import Session
    from leyden.api.trainer import Trainer

VIEWS = ("callback", "logged", "bar", "born")


def collect(trainer: Trainer, result: Any) -> dict[str, Any]:
    """In the worker of rank zero: everything that the calling process shall have, on the CPU."""
    session = trainer.running
    found = {
        "result": result,
        "state": trainer.run_state,
        "views": {name: dict(getattr(session.metrics, name)) for name in VIEWS},
        "counts": dict(trainer.evaluation_counts),
        "callbacks": [
            (type(one).__qualname__, one.state_dict() if hasattr(one, "state_dict") else None)
            for one in trainer.callbacks
        ],
        "weights": _weights(session) if session.fn is TrainerFn.FITTING else None,
    }
    return map_nested(found, lambda one: isinstance(one, Tensor), lambda one: one.detach().cpu())  # type: ignore[no-any-return]


def _weights(session: Session) -> dict[str, Any]:
    """The module's state, less what has no values: shards of processes that are gone."""
    state = session.module.state_dict()
    lost = [name for name, one in state.items() if isinstance(one, Tensor) and one.is_meta]
    if lost:
        warn(
            "weights-lost",
            f"The other processes ended without handing over their shards of {', '.join(lost[:3])}"
            f"{' …' if len(lost) > 3 else ''}, which keep the values from before the run in the calling process. Load "
            "them from a checkpoint.",
        )
    return {name: one for name, one in state.items() if name not in lost}


def restore(trainer: Trainer, found: dict[str, Any]) -> Any:
    """In the calling process: take it, and return what the run returned."""
    from leyden.api.session import Session

    for one in fields(trainer.run_state):
        setattr(trainer.run_state, one.name, getattr(found["state"], one.name))
    module, fn = trainer.lightning_module, trainer.run_state.fn
    assert fn is not None
    session = Session(trainer, fn, module, None, {}, None, None, False)
    for name, view in found["views"].items():
        setattr(session.metrics, name, view)
    trainer.evaluation_counts.update(found["counts"])
    trainer.session, module.trainer = session, trainer
    if found["weights"] is not None:
        module.load_state_dict(found["weights"], strict=False)
    for callback, (kind, state) in zip(trainer.callbacks, found["callbacks"], strict=False):
        if state and type(callback).__qualname__ == kind and hasattr(callback, "load_state_dict"):
            callback.load_state_dict(state)
    return found["result"]
