"""What each process has of its own in a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.api.warn import warn

if TYPE_CHECKING:
    from leyden.api.session import Session

KEY = "leyden"
OWN = ("rng", "device_rng", "loaders", "metrics", "evaluation_counts", "gradients")
"""Keys under ``leyden`` that differ from process to process."""


def with_all_ranks(session: Session, own: dict[str, Any]) -> dict[str, Any]:
    """Add to rank zero's state that of the others; a collective, with several processes."""
    strategy = session.strategy
    own["samples"] = session.state.counters.batch * _together(session)
    if session.shared:
        own["shared"] = True
    if strategy.world_size > 1 and not strategy.alone:
        ranks = strategy.gather_object({name: own[name] for name in OWN})
        own["world_size"], own["ranks"] = strategy.world_size, ranks
    return own


def _together(session: Session) -> int:
    """The samples that one batch of all processes has; 0 where the loader does not say."""
    train = session.data.train
    size = getattr(train.loader, "batch_size", None) if train is not None else None
    return size * session.strategy.world_size if isinstance(size, int) else 0


def translate_position(session: Session) -> None:
    """In an epoch that another number of processes began, count the batches as if this number had begun it."""
    samples, together = session.samples_done, _together(session)
    if samples and together:
        session.state.counters.batch = samples // together
    session.samples_done = 0


def own_part(session: Session, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint as this process reads it: with its own random numbers, place in the data and pending metrics.

    A checkpoint of another number of processes is read as rank zero left it; an epoch goes on with the samples that are
    left, as far as they fill batches.
    """
    own, strategy = checkpoint.get(KEY), session.strategy
    if own is None:
        return checkpoint
    ranks, saved = own.get("ranks"), own.get("world_size", 1)
    session.shared = saved > 1 or own.get("shared", False)
    if ranks is not None and saved == strategy.world_size:
        checkpoint[KEY] = {**own, **ranks[strategy.global_rank]}
    elif saved != strategy.world_size and session.fn == "fit":
        session.samples_done = own.get("samples", 0)
        warn(
            "world-size",
            f"The checkpoint was written by {saved} process(es), and there are {strategy.world_size} now: weights, "
            "optimizers and counters are exact; random numbers, pending metrics and open gradients are rank zero's.",
        )
    return checkpoint
