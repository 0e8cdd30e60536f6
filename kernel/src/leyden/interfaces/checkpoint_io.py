"""Checkpoint io: bytes and paths."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from os import PathLike
from typing import Any, ClassVar

Path = str | PathLike[str]


class CheckpointIO(ABC):
    """Writes, reads and removes checkpoints. A name never bears a half-written file.

    Attributes:
        every_rank: all processes save together, rather than rank zero alone.
    """

    every_rank: ClassVar[bool] = False

    @abstractmethod
    def save_checkpoint(self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
        """Write a checkpoint so that ``path`` holds either the whole of it or what it held before.

        Raises:
            leyden.errors.CheckpointError: it cannot be written; names the path and the cause.
        """

    @abstractmethod
    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a checkpoint.

        Args:
            path: where it stands.
            map_location: as for ``torch.load``.
            weights_only: load plain data and tensors alone; ``False`` runs code that the file names.

        Raises:
            FileNotFoundError: there is none.
            leyden.errors.CheckpointError: it is damaged, or not safe to load; names the path, and the key and type.
        """

    @abstractmethod
    def remove_checkpoint(self, path: Path) -> None:
        """Remove a checkpoint (a file or a folder); nothing happens when there is none."""

    def exists(self, path: Path) -> bool:
        """Whether a complete checkpoint stands at a path."""
        import os

        return os.path.exists(path)

    def check_checkpoint(self, path: Path) -> None:
        """Check that a complete checkpoint stands at a path, as far as that can be told without loading it.

        Raises:
            leyden.errors.CheckpointError: it is damaged or missing; names the path.
        """
        from leyden.errors import CheckpointError

        if not self.exists(path):
            raise CheckpointError(f"{path} holds no complete checkpoint.")

    def checkpoints_in(self, folder: str) -> list[tuple[float, str]]:
        """The time of each checkpoint in a folder (not below it), and its path; empty when there is no such folder."""
        import os

        if "://" in folder or not os.path.isdir(folder):
            return []
        names = [one for one in os.listdir(folder) if one.endswith(".ckpt") and not one.startswith(".")]
        paths = [os.path.join(folder, one) for one in names]
        return [(os.path.getmtime(path), path) for path in paths if not os.path.islink(path)]

    def when_written(self, work: Callable[[], None]) -> None:
        """Do something that needs what was saved to stand: now, unless saves are under way in the background.

        Args:
            work: left out when one of those fails.
        """
        work()

    def wait(self) -> None:
        """Wait until everything that was saved and removed is so on the disk; raises what went wrong with it."""

    def teardown(self) -> None:
        """Finish pending writes; raises what went wrong with them."""
