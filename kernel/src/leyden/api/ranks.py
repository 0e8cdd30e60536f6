"""What each process has of its own in a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.api.resumable import ResumableCombination
from leyden.api.warn import warn

if TYPE_CHECKING:
    from leyden.api.session import Session

KEY = "leyden"
OWN = ("rng", "device_rng", "loaders", "metrics", "evaluation_counts", "gradients")
"""Keys under ``leyden`` that differ from process to process."""


def with_all_ranks(session: Session, own: dict[str, Any]) -> dict[str, Any]:
    """Add to rank zero's state that of the others; a collective, with several processes."""
    strategy, sharing = session.strategy, _sharing(session)
    start = sharing.start if sharing is not None else 0
    own["replicas"] = _replicas(session)
    own["samples"] = start + session.state.counters.batch * _together(session)
    if sharing is not None and (start or sharing.order_of_one):
        own["start"], own["order_of_one"] = start, sharing.order_of_one
    if session.shared:
        own["shared"] = True
    if strategy.world_size > 1 and not strategy.alone:
        ranks = strategy.gather_object({name: own[name] for name in OWN})
        own["world_size"], own["ranks"] = strategy.world_size, ranks
    return own


def _replicas(session: Session) -> int:
    """How many processes share the data; fewer than there are where several hold one model together."""
    own = getattr(session.strategy, "distributed_sampler_kwargs", None)
    return own["num_replicas"] if own else session.strategy.world_size


def _together(session: Session) -> int:
    """How many samples one batch of all processes has; how many batches, where the loader does not say."""
    train = session.data.train
    size = getattr(train.loader, "batch_size", None) if train is not None else None
    return (size if isinstance(size, int) else 1) * _replicas(session)


def _sharing(session: Session) -> Any:
    """What gives this process its share of the training data; ``None`` where nothing does."""
    loader = session.data.train.loader if session.data.train is not None else None
    both = (getattr(loader, name, None) for name in ("sampler", "batch_sampler"))
    return next((one for one in both if hasattr(one, "go_on")), None)


def translate_position(session: Session, whole: Any, place: Any) -> bool:
    """In an epoch that another number of processes began, go on with the samples that are left.

    The batches that are done are counted as if this number had begun the epoch; samples that fill none of these
    are left out beside them.

    Args:
        session: whose training loader was just made.
        whole: that loader as one process would have it.
        place: what the checkpoint says of its place.

    Returns:
        Whether less is left of the epoch than those batches tell.
    """
    done, session.samples_done = session.samples_done, None
    train, sharing, counters = session.data.train, _sharing(session), session.state.counters
    if train is None or done is None or not _shared_otherwise(session, done):
        return False
    counters.batch, rest = divmod(done["samples"], _together(session))
    if isinstance(train.source, ResumableCombination):
        train.source.taken = [one * done["replicas"] // _replicas(session) for one in train.source.taken]
    if sharing is None:
        return False
    alone = done.get("world_size", 1) == 1 and not done.get("shared")
    began = place["source"] if done.get("order_of_one", alone) and place is not None else None
    sharing.go_on(counters.epoch, rest, whole, began)
    return True


def _shared_otherwise(session: Session, done: dict[str, Any]) -> bool:
    """Whether this number of processes would have shared the epoch of a checkpoint in another way."""
    same = done["replicas"] == _replicas(session) and "start" not in done
    return bool(done.get("samples")) and not same


def own_part(session: Session, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint as this process reads it: with its own random numbers, place in the data and pending metrics.

    A checkpoint of another number of processes is read as rank zero left it; an epoch goes on with the samples that are
    left.
    """
    own, strategy = checkpoint.get(KEY), session.strategy
    if own is None:
        return checkpoint
    ranks, saved = own.get("ranks"), own.get("world_size", 1)
    session.shared = saved > 1 or own.get("shared", False)
    session.samples_done = {"replicas": saved, **own} if session.fn == "fit" else None
    if ranks is not None and saved == strategy.world_size:
        checkpoint[KEY] = {**own, **ranks[strategy.global_rank]}
    elif saved != strategy.world_size and session.fn == "fit":
        warn(
            "world-size",
            f"The checkpoint was written by {saved} process(es), and there are {strategy.world_size} now: weights, "
            "optimizers and counters are exact, and the order of samples goes on; random numbers, pending metrics and "
            "open gradients are rank zero's.",
        )
    return checkpoint
