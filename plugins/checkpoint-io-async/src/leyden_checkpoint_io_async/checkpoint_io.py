"""The checkpoint io."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import CheckpointIO
from leyden.interfaces.checkpoint_io import Path
from leyden_checkpoint_io_async.snapshot import Buffers, Snapshot


class AsyncCheckpointIO(CheckpointIO):
    """Copies a checkpoint and lets a thread write it with another checkpoint io.

    One write is under way at most: a save waits for the one before, and raises what went wrong with it. So does the end
    of the run. A removal or a link waits its turn behind the writes, and is left out when one of them fails, so that a
    file goes only when the one that displaces it stands, and a link leads to a file that does.

    Args:
        checkpoint_io: what writes and reads; files of ``torch.save`` by default.
        reuse_memory: keep the memory of the copy for the next one. Without it each save allocates anew, which takes
            longer.

    Raises:
        leyden.errors.ConfigurationError: ``checkpoint_io`` is none, or one with which all processes write together.
    """

    def __init__(self, checkpoint_io: CheckpointIO | None = None, reuse_memory: bool = True) -> None:
        if checkpoint_io is not None and not isinstance(checkpoint_io, CheckpointIO):
            raise ArgumentTypeError.about("checkpoint_io", checkpoint_io, "None or a CheckpointIO")
        if checkpoint_io is not None and checkpoint_io.every_rank:
            allowed = "one that writes on rank zero alone"
            remedy = "Processes that write together would do so while they train together."
            raise ConfigurationError.about("checkpoint_io", checkpoint_io, allowed, remedy)
        self._checkpoint_io = checkpoint_io
        self.reuse_memory = reuse_memory
        self._reset()

    def _reset(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self._behind: list[Future[None]] = []
        self._failed = False
        self._buffers = Buffers()

    def __getstate__(self) -> dict[str, Any]:
        return {"_checkpoint_io": self._checkpoint_io, "reuse_memory": self.reuse_memory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._reset()

    @property
    def checkpoint_io(self) -> CheckpointIO:
        """What writes and reads."""
        if self._checkpoint_io is None:
            from leyden_checkpoint_io_torch import TorchCheckpointIO

            self._checkpoint_io = TorchCheckpointIO()
        return self._checkpoint_io

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
        """Copy a checkpoint and write the copy later.

        Raises:
            leyden.errors.CheckpointError: the save before this one failed; this one is not made.
        """
        self.wait()
        snapshot = Snapshot(checkpoint, self._buffers)
        save = self.checkpoint_io.save_checkpoint

        def write() -> None:
            try:
                save(snapshot.content, path, storage_options)
            except BaseException:
                self._failed = True
                raise
            finally:
                if self.reuse_memory:
                    self._buffers.give_back(snapshot.used)

        self._pending = self._submit(write)

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a checkpoint, when what is under way is done."""
        self.wait()
        return self.checkpoint_io.load_checkpoint(path, map_location, weights_only)

    def remove_checkpoint(self, path: Path) -> None:
        """Remove a checkpoint, behind what is under way."""
        self.when_written(lambda: self.checkpoint_io.remove_checkpoint(path))

    def when_written(self, work: Callable[[], None]) -> None:
        """Do something behind what is under way, unless that fails."""
        if self._pending is None:
            work()
            return

        def behind() -> None:
            if not self._failed:
                work()

        self._behind.append(self._submit(behind))

    def exists(self, path: Path) -> bool:
        """Whether a complete checkpoint stands at a path, when what is under way is done."""
        self.wait()
        return self.checkpoint_io.exists(path)

    def check_checkpoint(self, path: Path) -> None:
        """As the other io does, when what is under way is done."""
        self.wait()
        self.checkpoint_io.check_checkpoint(path)

    def checkpoints_in(self, folder: str) -> list[tuple[float, str]]:
        """As the other io does, when what is under way is done."""
        self.wait()
        return self.checkpoint_io.checkpoints_in(os.fspath(folder))

    def wait(self) -> None:
        """Wait for what is under way.

        Raises:
            leyden.errors.CheckpointError: it failed; raised once.
        """
        waiting = [one for one in (self._pending, *self._behind) if one is not None]
        self._pending, self._behind = None, []
        errors = [error for one in waiting if (error := one.exception()) is not None]
        self._failed = False
        if errors:
            raise errors[0]
        self.checkpoint_io.wait()

    def teardown(self) -> None:
        """Wait for what is under way and end the thread; raises what went wrong."""
        try:
            self.wait()
        finally:
            if self._executor is not None:
                self._executor.shutdown()
            self._reset()
            self.checkpoint_io.teardown()

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="leyden-checkpoint")
        return self._executor.submit(work)
