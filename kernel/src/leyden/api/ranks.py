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
    if strategy.world_size > 1 and not strategy.alone:
        ranks = strategy.gather_object({name: own[name] for name in OWN})
        own["world_size"], own["ranks"] = strategy.world_size, ranks
    return own


def own_part(session: Session, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint as this process reads it: with its own random numbers, place in the data and pending metrics.

    A checkpoint of another number of processes is read as rank zero left it.
    """
    own, strategy = checkpoint.get(KEY), session.strategy
    if own is None:
        return checkpoint
    ranks, saved = own.get("ranks"), own.get("world_size", 1)
    if ranks is not None and saved == strategy.world_size:
        checkpoint[KEY] = {**own, **ranks[strategy.global_rank]}
    elif saved != strategy.world_size and session.fn == "fit":
        warn(
            "world-size",
            f"The checkpoint was written by {saved} process(es), and there are {strategy.world_size} now: weights, "
            "optimizers and counters are exact; random numbers, pending metrics and open gradients are rank zero's.",
        )
    return checkpoint
