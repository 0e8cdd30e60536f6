"""The checkpoint io."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from leyden.errors import ArgumentTypeError, CheckpointError
from leyden.interfaces.checkpoint_io import Path
from leyden_checkpoint_io_torch import TorchCheckpointIO
from leyden_checkpoint_io_torch.errors import missing

WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"}
"""Storages in which an object appears when all of it was sent, so that it can be sent under its own name."""


class FsspecCheckpointIO(TorchCheckpointIO):
    """Files of ``torch.save`` wherever fsspec reaches; paths without a scheme are files of this machine.

    A checkpoint is written to a file of this machine, sent, and its size compared. Storages that do not promise to show
    whole objects alone get it under a hidden name, which is then changed. A load fetches the object into a file of its
    own each time: nothing is cached, so that objects of one name are never mixed up.

    Args:
        storage_options: for the file system, e.g. ``{"endpoint_url": "http://…", "key": …}``.
        verify: check each file before it is read.
    """

    def __init__(self, storage_options: Mapping[str, Any] | None = None, verify: bool = True) -> None:
        if storage_options is not None and not isinstance(storage_options, Mapping):
            raise ArgumentTypeError.about("storage_options", storage_options, "None or a dict")
        super().__init__(verify)
        self.storage_options = dict(storage_options or {})

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
        """Write a checkpoint; until all of it is there, the name holds what it held before.

        Args:
            checkpoint: what to write.
            path: a URL, or a path of this machine.
            storage_options: for this save, over those of the constructor; URLs alone have any.

        Raises:
            leyden.errors.CheckpointError: it cannot be written; names the URL and the cause.
        """
        url = remote(path)
        if url is None:
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        with self._file(url) as file:
            super().save_checkpoint(checkpoint, file)
            with _told(url, "was not written"):
                self._send(file, url, storage_options)

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a checkpoint; raises as :class:`TorchCheckpointIO` does, with the URL in the message."""
        url = remote(path)
        if url is None:
            return super().load_checkpoint(path, map_location, weights_only)
        with self._fetched(url) as file:
            return super().load_checkpoint(file, map_location, weights_only)

    def check_checkpoint(self, path: Path) -> None:
        """Fetch a file and check it."""
        url = remote(path)
        if url is None:
            super().check_checkpoint(path)
            return
        with self._fetched(url) as file:
            super().check_checkpoint(file)

    def remove_checkpoint(self, path: Path) -> None:
        """Remove an object, or a folder with all in it."""
        url = remote(path)
        if url is None:
            super().remove_checkpoint(path)
            return
        with _told(url, "cannot be removed"):
            system, place = self._system(url)
            if system.exists(place):
                system.rm(place, recursive=system.isdir(place))

    def exists(self, path: Path) -> bool:
        """Whether an object (or folder) is there; objects are whole."""
        url = remote(path)
        if url is None:
            return super().exists(path)
        with _told(url, "cannot be reached"):
            system, place = self._system(url)
            return bool(system.exists(place))

    def checkpoints_in(self, folder: str) -> list[tuple[float, str]]:
        """Time and URL of each checkpoint in a folder."""
        url = remote(folder)
        if url is None:
            return super().checkpoints_in(folder)
        with _told(url, "cannot be listed"):
            system, place = self._system(url)
            if not system.isdir(place):
                return []
            names = [one.rstrip("/").rpartition("/")[2] for one in system.ls(place, detail=False)]
            shown = [one for one in names if one.endswith(".ckpt") and not one.startswith(".")]
            base, inside = url.rstrip("/"), place.rstrip("/")
            return [(system.modified(f"{inside}/{one}").timestamp(), f"{base}/{one}") for one in shown]

    def _system(self, url: str, storage_options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
        import fsspec

        system, place = fsspec.core.url_to_fs(url, **{**self.storage_options, **(storage_options or {})})
        system.invalidate_cache()  # what was listed earlier may have changed
        return system, place

    def _send(self, file: str, url: str, storage_options: Any) -> None:
        if storage_options is not None and not isinstance(storage_options, Mapping):
            raise ArgumentTypeError.about("storage_options", storage_options, "None or a dict")
        system, place = self._system(url, storage_options)
        folder, _, name = place.rpartition("/")
        if folder:
            system.makedirs(folder, exist_ok=True)
        protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
        if protocols & WHOLE:
            system.put_file(file, place)
            self._compare(system, file, place)
            return
        hidden = f"{folder}/.{name}.{secrets.token_hex(8)}.tmp"
        try:
            system.put_file(file, hidden)
            self._compare(system, file, hidden)
            system.mv(hidden, place)
        except BaseException:
            with contextlib.suppress(Exception):  # what went wrong first is raised
                system.rm(hidden)
            raise

    def _compare(self, system: Any, file: str, place: str) -> None:
        system.invalidate_cache()
        sent, stands = os.path.getsize(file), system.info(place)["size"]
        if sent != stands:
            raise OSError(f"{sent} bytes were sent, and {stands} arrived")

    @contextlib.contextmanager
    def _fetched(self, url: str) -> Iterator[str]:
        with self._file(url) as file:
            with _told(url, "cannot be read"):
                system, place = self._system(url)
                if not system.exists(place):
                    raise missing(url)
                system.get_file(place, file)
            yield file

    @contextlib.contextmanager
    def _file(self, url: str) -> Iterator[str]:
        """A file of this machine's that stands for the URL; messages name the URL."""
        with tempfile.TemporaryDirectory(prefix="leyden-") as folder:
            file = os.path.join(folder, "checkpoint")
            try:
                yield file
            except CheckpointError as error:
                error.args = tuple(
                    one.replace(file, url) if isinstance(one, str) else one for one in error.args
                )
                raise


def remote(path: Path) -> str | None:
    """A path as a URL; ``None`` when it is of this machine."""
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    return text if "://" in text and not text.startswith("file://") else None


@contextlib.contextmanager
def _told(url: str, what: str) -> Iterator[None]:
    """What a file system raises, as an error that names the URL."""
    try:
        yield
    except (CheckpointError, ArgumentTypeError):
        raise
    except Exception as error:  # every file system has errors of its own
        raise CheckpointError(f"The checkpoint {url!r} {what}: {type(error).__name__}: {error}") from error
