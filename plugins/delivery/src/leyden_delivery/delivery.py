"""The queue and its thread."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from leyden_delivery.errors import DeliveryError
from leyden_delivery.kept import Kept

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds before the first repetition, and the most that there are between two; each pause is twice the one before."""

log = logging.getLogger("leyden.delivery")


class Delivery:
    """Takes items at once and hands them to a backend on a thread of its own, in order, in batches.

    While the backend fails, the batch is tried again with growing pauses. When ``capacity`` items wait in memory,
    further ones go into ``file`` and are read back when their turn comes, so that :meth:`put` never waits for the
    backend and memory stays bounded. The thread begins with the first item and ends with :meth:`close`; another item
    begins a new one. The end of the program closes what is open. A forked process starts with an empty queue and a file
    of its own.

    Args:
        send: hands a list of items to the backend, oldest first; raises when it does not take them. It may be called
            again with the same items, and with items that it took just before it raised or hung.
        file: where items go that do not fit, and what is left at the end.
        header: the first line of that file: ``logger``, the entry point's name in ``leyden.loggers``, and
            ``arguments``, with which its class makes a logger that has ``deliver(items)``; for ``leyden resend``.
        capacity: items in memory.
        batch: the most items for one call of ``send``.
        linger: seconds to wait for more items before a batch that is not full is sent.
        patience: seconds that :meth:`close` waits for the backend.
        lasting: whether an exception means that the backend will never take these items. Then they are sent one by
            one, and those that are refused are kept in ``<file>.refused.jsonl``.

    Items are made of what JSON knows: dicts, lists, texts, numbers, ``None``.
    """

    def __init__(
        self,
        send: Callable[[list[Any]], None],
        file: str | os.PathLike[str],
        header: Mapping[str, Any],
        *,
        capacity: int = 10_000,
        batch: int = 200,
        linger: float = 0.2,
        patience: float = 30.0,
        lasting: Callable[[Exception], bool] = lambda error: False,
    ) -> None:
        self._send, self._lasting = send, lasting
        self._path, self._header = Path(os.path.abspath(file)), header
        self._capacity, self._batch, self._linger, self._patience = capacity, batch, linger, patience
        self._begin(self._path)

    @property
    def file(self) -> Path:
        """Where items are kept that do not fit or were not delivered."""
        return self._kept.path

    def __len__(self) -> int:
        """The items of this process that were not delivered yet."""
        if self._pid != os.getpid():
            return 0
        with self._changed:
            return len(self._taken) + len(self._memory) + self._kept.count

    def put(self, item: Any) -> None:
        """Take an item; this does not wait for the backend."""
        if self._pid != os.getpid():
            self._begin(self._path.with_name(f"{self._path.stem}-{os.getpid()}{self._path.suffix}"))
        with self._changed:
            if self._kept.count or len(self._memory) >= self._capacity:
                self._kept.add(item)
            else:
                self._memory.append(item)
            if self._thread is None:
                self._start()
            elif len(self._memory) == 1 or len(self._memory) >= self._batch:
                self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything is delivered.

        Args:
            timeout: seconds; the patience when ``None``.

        Returns:
            Whether it is; what is not stays in the queue.
        """
        if self._pid != os.getpid():
            return True
        with self._changed:
            self._urgent += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._done, self._patience if timeout is None else timeout)
            finally:
                self._urgent -= 1

    def close(self) -> None:
        """Deliver what is left and end the thread; without items, and a second time, it does nothing.

        Raises:
            DeliveryError: the backend did not take everything in time, or refused items; they are in the file that the
                message names.
            KeyboardInterrupt: Ctrl-C ended the waiting; the rest is in a file, which is logged.
        """
        if self._pid != os.getpid() or self._thread is None:
            return
        try:
            self.flush()
        except BaseException:
            for text in self._end():
                log.error(text)
            raise
        lost = self._end()
        if lost:
            raise DeliveryError(" ".join(lost))

    # -- the state, and who changes it ---------------------------------------------------------------------------

    def _begin(self, path: Path) -> None:
        self._pid, self._path = os.getpid(), path
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._urgent = 0
        self._empty()

    def _empty(self) -> None:
        self._memory: deque[Any] = deque()
        self._taken: list[Any] = []
        self._kept = Kept(self._path, self._header)
        self._refused = Kept(self._path.with_suffix(".refused.jsonl"), self._header)
        self._error: Exception | None = None
        self._refusal: Exception | None = None

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="leyden-delivery", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _end(self) -> list[str]:
        """Let the thread go, keep what it did not deliver, and say what was kept where."""
        atexit.unregister(self.close)
        said = []
        with self._changed:
            thread, self._thread = self._thread, None
            rest = [*self._taken, *self._memory, *self._kept.take(self._kept.count)]
            if rest:
                self._kept.keep(rest)
                said.append(_said(f"{len(rest)} records were not delivered", self._error, self._kept))
            if self._refused.count:
                self._refused.close()
                said.append(
                    _said(f"{self._refused.count} records were refused", self._refusal, self._refused)
                )
            self._empty()
            self._changed.notify_all()
        if thread is not None and not rest:
            thread.join()
        return said

    def _done(self) -> bool:
        return not (self._taken or self._memory or self._kept.count)

    def _mine(self) -> bool:
        return self._thread is threading.current_thread()

    # -- the thread ----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._mine() or not self._done())
                self._changed.wait_for(self._ready, self._linger)
                if not self._mine():
                    return
                while self._memory and len(self._taken) < self._batch:
                    self._taken.append(self._memory.popleft())
                items = self._taken = self._taken or self._kept.take(self._batch)
            self._deliver(items)

    def _ready(self) -> bool:
        return not self._mine() or self._urgent > 0 or len(self._memory) >= self._batch

    def _deliver(self, items: list[Any]) -> None:
        pause = FIRST_PAUSE
        while True:
            error = self._try(items)
            with self._changed:
                if not self._mine():
                    return
                if error is None:
                    self._taken, self._error = [], None
                    self._changed.notify_all()
                    return
                if self._error is None:
                    log.warning("A logger's backend fails (%s: %s); trying on.", type(error).__name__, error)
                self._error = error
                self._changed.wait_for(lambda: not self._mine(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _try(self, items: list[Any]) -> Exception | None:
        try:
            self._send(items)
        except Exception as error:
            if not self._lasting(error):
                return error
            if len(items) > 1:
                return self._one_by_one(items)
            self._refuse(items[0], error)
        return None

    def _one_by_one(self, items: list[Any]) -> Exception | None:
        for index, one in enumerate(items):
            error = self._try([one])
            if error is not None:
                with self._changed:
                    del items[:index]
                return error
        return None

    def _refuse(self, item: Any, error: Exception) -> None:
        with self._changed:
            if self._mine():
                self._refused.add(item)
                self._refusal = error
        log.error("A logger's backend refused a record (%s: %s).", type(error).__name__, error)


def _said(what: str, error: Exception | None, kept: Kept) -> str:
    reason = f"{type(error).__name__}: {error}" if error is not None else "no answer"
    path = kept.path
    return f"{what} ({reason}). They are kept in {path}. Send them later with: leyden resend {path}"
