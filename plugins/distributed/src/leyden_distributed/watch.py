"""The thread that hears of failures in other processes while the main thread trains, or waits."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from leyden_distributed.failures import (
    CollectiveTimeoutError,
    Failure,
    Interrupted,
    RankDisagreementError,
    RankFailureError,
    ended,
    is_timeout,
    of_communication,
    standing,
    within,
)
from leyden_distributed.group import Group, arrive

POLL = 0.2
"""Seconds between two looks at the store: one round trip each."""
HEARD = 3.0
"""Seconds in which a failure elsewhere is told, after its consequence was felt here."""
GRACE = 10.0
"""Seconds in which the main thread must have noticed that another process failed."""
STUCK = 2.0
"""Seconds in a collective, while another process waits elsewhere, after which the two will never meet."""

BACKWARD = "backward"
"""The function that computes gradients: torch's, and that of DeepSpeed's engine, which averages them behind it."""


class Watch(threading.Thread):
    """Tells the other processes of this one's failure, and this one of theirs.

    Processes talk through the store of their group, so that no collective is involved: nothing is sent while all goes
    well, apart from this thread's look at one counter.

    Args:
        group: this process's membership.
        state: the run's state, to say where the main thread stands.
        children: says which processes started by this one have ended badly, by rank.
        patience: how long to wait at a point where all must meet.
    """

    def __init__(
        self,
        group: Group,
        state: Any,
        children: Callable[[], dict[int, int]],
        patience: timedelta,
    ) -> None:
        super().__init__(name="leyden-watch", daemon=True)
        prefix = f"run/{group.runs}/"
        self.group, self.state, self.children, self.patience = group, state, children, patience
        self.prefix = prefix
        self.store = group.store
        self.own = _clone(group.store)
        self.main = threading.get_ident()
        self.rank, self.world_size = group.rank, group.world_size
        self.failure: Failure | None = None
        self.noticed = threading.Event()
        self.closing = threading.Event()
        self.collective: str | None = None
        self.since = 0.0
        self.points = 0
        self._skipped: set[int] = set()
        self._skips = 0
        self._waits: tuple[str, float] | None = None
        self._waits_since = 0.0
        self._asked: set[str] = set()
        self._shared: dict[str, int] = {}
        self._news = 0
        self._pending = False

    # -- the main thread's side ------------------------------------------------------------------------------------

    def meet(self, point: str, batches: int | None) -> None:
        """Wait until every process has come to this point.

        Args:
            point: its name.
            batches: training batches completed, the same everywhere; ``None`` where that does not matter.

        Raises:
            RankDisagreementError: another process has come to another point, or with another number of batches.
            RankFailureError: another process failed.
        """
        self.points += 1
        key = f"{self.prefix}point/{self.points}"
        mine = f"{self.rank}|{'' if batches is None else batches}|{point}"
        first = self.store.compare_set(key, "", mine).decode()
        rank, count, name = first.split("|", 2)
        if int(rank) == self.rank:
            self._tell()
        elif (count, name) != (mine.split("|", 2)[1], point):
            raise self._disagreement(int(rank), count, name, point, batches)
        if not arrive(self.store, f"{key}/n", self.world_size, self.patience, self._check):
            raise CollectiveTimeoutError(
                f"Rank {self.rank} waited {self.patience.total_seconds():g} s at {point} for all ranks. "
                f"{self.positions()}"
            )

    def rank_zeros(self, name: str, mine: str) -> str:
        """What rank zero has: the n-th call with this name on any process returns what rank zero gave in its n-th.

        Args:
            name: of what is asked for.
            mine: what this process has.

        Raises:
            CollectiveTimeoutError: rank zero did not come to this.
            RankFailureError: another process failed.
        """
        count = self._shared[name] = self._shared.get(name, 0) + 1
        key = f"{self.prefix}{name}/{count}"
        if self.rank == 0:
            self.store.set(key, mine)
            return mine
        self._until(lambda: self.store.check([key]), f"for the {name} of rank zero")
        return str(self.store.get(key).decode())

    def _until(self, come: Callable[[], bool], what: str) -> None:
        """Wait, with a look at the others' failures."""
        until = time.monotonic() + self.patience.total_seconds()
        while not come():
            self._check()
            if time.monotonic() > until:
                waited = f"{self.patience.total_seconds():g} s {what}"
                raise CollectiveTimeoutError(f"Rank {self.rank} waited {waited}. {self.positions()}")
            time.sleep(0.002)

    def skip(self) -> None:
        """Tell the others that this process has no backward in the running batch; they must not have one, either."""
        batch = int(self.state.counters.batches)
        self._skipped.add(batch)
        index = int(self.store.add(f"{self.prefix}skips", 1)) - 1
        self.store.set(f"{self.prefix}skip/{index}", f"{self.rank}|{batch}")
        self._tell()

    def ready(self, name: str, update: int) -> bool:
        """Whether what all processes have asked for is due: two updates after the last of them asked.

        Since gradients are averaged in every update, no process is more than one update ahead of another; so all hear
        of the choice before they are there.
        """
        key = f"{self.prefix}ready/{name}"
        if name not in self._asked:
            self._asked.add(name)
            if int(self.store.add(f"{key}/n", 1)) == self.world_size:
                self.store.set(f"{key}/at", str(update + 2))
        return self.store.check([f"{key}/at"]) and update == int(self.store.get(f"{key}/at"))

    def _disagreement(
        self, rank: int, count: str, name: str, point: str, batches: int | None
    ) -> RankDisagreementError:
        theirs = f"{name}" + (f" after {count} batches" if count else "")
        mine = f"{point}" + (f" after {batches} batches" if batches is not None else "")
        return RankDisagreementError(f"Rank {rank} came to {theirs}, rank {self.rank} to {mine}. {_REMEDY}")

    def _check(self) -> None:
        if self.failure is not None:
            self.noticed.set()
            raise self.failure.error()

    def report(self, error: BaseException) -> None:
        """Tell the others why this process ends, unless another has ended before, and close the connections."""
        self.noticed.set()
        failure = Failure.of(self.rank, error, standing(self.state, self.main))
        with contextlib.suppress(RuntimeError):
            self.store.compare_set(f"{self.prefix}failure", "", failure.encoded())
            self._tell()
            self.store.add(f"{self.prefix}ended", 1)
        self.group.cut()

    def explain(self, error: BaseException) -> BaseException | None:
        """What stands behind an exception of this process: the failure of another, or a time that ran out.

        Returns:
            The exception to raise instead; ``None`` when it is this process's own.
        """
        if isinstance(error, RankFailureError):
            return None
        if not isinstance(error, Interrupted) and not of_communication(error):
            return None
        self.noticed.set()
        failure = self._heard(HEARD)
        if failure is not None:
            return failure.error()
        where = standing(self.state, self.main)
        if is_timeout(error):
            return CollectiveTimeoutError(
                f"Rank {self.rank} waited in vain for the others, {where}. {self.positions()} ({error})"
            )
        try:
            silent = [rank for rank, text in self.ask().items() if text is None]
        except RuntimeError:
            silent = [0]
        if silent:
            names = " and ".join(f"rank {one}" for one in silent)
            return RankFailureError(
                f"The process of {names} is gone without a word (killed, out of memory, or crashed). Rank {self.rank} "
                f"was {where}."
            )
        return None

    def _heard(self, seconds: float) -> Failure | None:
        until = time.monotonic() + seconds
        while self.failure is None and time.monotonic() < until and self.is_alive():
            time.sleep(0.02)
        return self.failure

    def positions(self) -> str:
        """Where all ranks stand, as a sentence."""
        found = {self.rank: standing(self.state, self.main), **self.ask()}
        return "; ".join(f"rank {one}: {found[one] or 'no answer'}" for one in sorted(found)) + "."

    def ask(self, seconds: float = 2.0) -> dict[int, str | None]:
        """Where the other ranks stand; ``None`` for those that do not answer."""
        store, prefix = self.store, self.prefix
        store.set(f"{prefix}ask", "1")
        self._tell()
        others = [one for one in range(self.world_size) if one != self.rank]
        until = time.monotonic() + seconds
        found: dict[int, str | None] = dict.fromkeys(others)
        while time.monotonic() < until and any(text is None for text in found.values()):
            for one in others:
                if found[one] is None and store.check([f"{prefix}at/{one}"]):
                    found[one] = store.get(f"{prefix}at/{one}").decode()
            time.sleep(0.05)
        return found

    def close(self, *, together: bool) -> None:
        """End the watch.

        Args:
            together: whether rank zero, who keeps the store, waits for the others.
        """
        if together and self.world_size > 1:
            done = f"{self.prefix}done"
            if int(self.store.add(done, 1)) == self.world_size:
                self.store.set(f"{done}/all", "1")
            if self.rank == 0:
                self._wait_for_all(done)
        elif self.rank == 0 and self.world_size > 1:
            self._wait_for_ends()
        self.closing.set()
        if self.is_alive():
            self.join(timeout=5)

    def _wait_for_ends(self) -> None:
        """After a failure, keep the store a little longer, so that all hear what it was."""
        until = time.monotonic() + HEARD
        with contextlib.suppress(RuntimeError):
            while (
                int(self.store.add(f"{self.prefix}ended", 0)) < self.world_size and time.monotonic() < until
            ):
                time.sleep(0.02)

    def _wait_for_all(self, done: str) -> None:
        until = time.monotonic() + self.patience.total_seconds()
        while not self.store.check([f"{done}/all"]):
            if self.failure is not None or time.monotonic() > until:
                return
            time.sleep(0.002)

    def _tell(self) -> None:
        self.store.add(f"{self.prefix}news", 1)

    # -- the thread's side -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Look at the store until the run ends."""
        while not self.closing.wait(POLL):
            try:
                self._look()
            except RuntimeError as error:
                if not self.closing.is_set():
                    text = f"Rank zero's process, which keeps the store of this run, is gone ({error})."
                    self._end(Failure(0, RankFailureError.__name__, text))
                return
            if self.failure is not None:
                return

    def _look(self) -> None:
        self._look_at_children()
        news = int(self.own.add(f"{self.prefix}news", 0))
        if news == self._news and not self._pending:
            return
        self._news = news
        if self.own.check([f"{self.prefix}failure"]):
            failure = Failure.decoded(self.own.get(f"{self.prefix}failure").decode())
            if failure.rank != self.rank:
                self._end(failure)
            return
        if self.own.check([f"{self.prefix}ask"]):
            self.own.set(f"{self.prefix}at/{self.rank}", standing(self.state, self.main))
        skips = self._look_at_skips()
        self._pending = self.failure is None and (self._look_at_points() or skips)

    def _look_at_children(self) -> None:
        for rank, code in self.children().items():
            if self.own.check([f"{self.prefix}failure"]) or self.failure is not None:
                return
            time.sleep(POLL)
            if self.own.check([f"{self.prefix}failure"]):
                return
            text = f"The process of rank {rank} ended with {ended(code)} while the others were running."
            failure = Failure(rank, RankFailureError.__name__, text)
            self.own.compare_set(f"{self.prefix}failure", "", failure.encoded())
            self.own.add(f"{self.prefix}news", 1)
            self._end(failure)
            return

    def _look_at_points(self) -> bool:
        """Whether others wait at a point that this process has not come to; raises the alarm if it never will."""
        key = f"{self.prefix}point/{self.points + 1}"
        if not self.own.check([key]):
            return False
        rank, count, name = self.own.get(key).decode().split("|", 2)
        mine = int(self.state.counters.batches)
        beyond = count != "" and (mine > int(count) or (mine == int(count) and self._in_next_batch()))
        stuck = self._stuck(key)
        if key != f"{self.prefix}point/{self.points + 1}" or not (beyond or stuck):
            return True
        doing = f"is in {self.collective}" if stuck else f"goes on with batch {mine + 1}"
        came = f"Rank {rank} came to {name}" + (f" after {count} batches" if count else "")
        self._disagrees(f"{came}, and rank {self.rank} {doing}", _REMEDY)
        return False

    def _stuck(self, key: str) -> bool:
        """Whether the main thread has been in one collective for long while others wait at that point."""
        waits = None if self.collective is None else (key, self.since)
        if waits != self._waits:
            self._waits, self._waits_since = waits, time.monotonic()
        return waits is not None and time.monotonic() - self._waits_since > STUCK

    def _look_at_skips(self) -> bool:
        """Whether others left out a backward that may be to come here; raises the alarm if it is there, or was."""
        while self.own.check([f"{self.prefix}skip/{self._skips}"]):
            rank, batch = map(int, self.own.get(f"{self.prefix}skip/{self._skips}").decode().split("|"))
            if rank != self.rank and batch not in self._skipped:
                mine = int(self.state.counters.batches)
                here = mine == batch and self.state.hook != "training_step" and within(self.main, BACKWARD)
                if mine <= batch and not here:
                    return True
                text = f"Rank {rank} had no loss in training batch {batch + 1}, and rank {self.rank} had one"
                self._disagrees(text, _LOSSES)
                return False
            self._skips += 1
        return False

    def _disagrees(self, text: str, remedy: str) -> None:
        text = f"{text} ({standing(self.state, self.main)}). {remedy}"
        failure = Failure(self.rank, RankDisagreementError.__name__, text)
        self.own.compare_set(f"{self.prefix}failure", "", failure.encoded())
        self.own.add(f"{self.prefix}news", 1)
        self._end(failure)

    def _in_next_batch(self) -> bool:
        state = self.state
        training = getattr(state.stage, "value", "") == "train" and within(self.main, "train_batches")
        return training and state.batch_idx == state.counters.batch

    def _end(self, failure: Failure) -> None:
        """Make the main thread raise: out of a collective at once, out of other code as soon as Python can."""
        self.failure = failure
        if self.closing.is_set():
            return
        self.group.cut()
        if self.noticed.wait(HEARD / 2):
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.main), ctypes.py_object(Interrupted))
        if self.noticed.wait(GRACE) or self.closing.is_set():
            return
        text = f"leyden: {failure.error()} This process (rank {self.rank}) did not react and is ended.\n"
        sys.stderr.write(text)
        sys.stderr.flush()
        os._exit(1)


_REMEDY = (
    "Every rank must train the same number of batches and stop at the same one: let use_distributed_sampler=True share "
    "the data, decide with trainer.strategy.reduce_boolean_decision, or pass DDPStrategy(join=True) for uneven data."
)

_LOSSES = (
    "Gradients are averaged over all ranks: let training_step return None on all of them or on none, e.g. after "
    "trainer.strategy.reduce_boolean_decision, or return a loss of zero."
)


def _clone(store: Any) -> Any:
    """A connection of the thread's own, because a connection serves one request at a time."""
    return store.clone() if hasattr(store, "clone") else store
