"""The checkpoint io."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from leyden.errors import ArgumentTypeError, CheckpointError, ConfigurationError
from leyden.interfaces.checkpoint_io import Path
from leyden_checkpoint_io_distributed.folder import Hidden, check, checksums, write_checksums
from leyden_checkpoint_io_distributed.group import Group
from leyden_checkpoint_io_distributed.parts import joined, split
from leyden_checkpoint_io_distributed.reader import METADATA, SafeReader, read_metadata
from leyden_checkpoint_io_torch import TorchCheckpointIO
from leyden_checkpoint_io_torch.errors import damaged, missing

REST = "meta.pt"


class DistributedCheckpointIO(TorchCheckpointIO):
    """Folders of shards, written by all processes at once, and read by any number of them.

    Tensors of weights and optimizers go through ``torch.distributed.checkpoint``: what is a ``DTensor`` is written by
    the processes that hold its parts, what all hold is divided among them. Everything else is in ``meta.pt``.

    Args:
        verify: compare the files with their checksums before they are read.
    """

    every_rank: ClassVar[bool] = True

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Path, storage_options: Any = None) -> None:
        """Write a folder; all processes call this with the same path.

        Raises:
            leyden.errors.CheckpointError: it cannot be written, in all processes; what stood there is untouched.
        """
        if storage_options is not None:
            raise ArgumentTypeError.about("storage_options", storage_options, "None: folders have no options")
        place, group, held = _local(path), Group(), list[Hidden]()
        try:
            self._write(checkpoint, place, group, held)
        except CheckpointError:
            raise
        except (Exception, CheckpointException) as error:  # torch's wraps what went wrong in any process
            raise CheckpointError(
                f"The checkpoint {place!r} was not written: {_reason(error)}. What stood there before is untouched. "
                f"{_room(place)}"
            ) from error
        finally:
            for one in held:
                one.discard()

    def _write(self, checkpoint: dict[str, Any], place: str, group: Group, held: list[Hidden]) -> None:
        """Write a hidden folder, held by rank zero as long as it is not finished, and give it its name."""

        def begin() -> str:
            held.append(Hidden(place))
            return held[0].hidden

        tensors, rest = split(checkpoint)
        folder = group.first(begin)
        with _quiet():
            save(tensors, storage_writer=FileSystemWriter(folder), no_dist=not group.together)
        own = [one for one in os.listdir(folder) if one.startswith(f"__{group.rank}_")]
        found = group.gathered(checksums(folder, own))

        def end() -> None:
            super(DistributedCheckpointIO, self).save_checkpoint(rest, os.path.join(folder, REST))
            ends = checksums(folder, (METADATA, REST))
            write_checksums(folder, {name: value for one in (*found, ends) for name, value in one.items()})
            held[0].finish()
            held.clear()

        group.first(end)

    def load_checkpoint(
        self, path: Path, map_location: Any = None, weights_only: bool = True
    ) -> dict[str, Any]:
        """Read a folder, or a file of ``torch.save``, with whole tensors; no other process is needed.

        Raises:
            leyden_checkpoint_io_torch.MissingCheckpointError: there is none.
            leyden.errors.CheckpointError: it is damaged, or not safe to load; names the folder.
        """
        place = _local(path)
        if not os.path.isdir(place):
            return super().load_checkpoint(place, map_location, weights_only)
        self._check(place)
        rest = super().load_checkpoint(os.path.join(place, REST), map_location, weights_only)
        metadata = read_metadata(place).state_dict_metadata
        if str(map_location) == "meta":
            tensors = {name: _empty(one, "meta") for name, one in metadata.items()}
        else:
            tensors = {name: _empty(one, "cpu") for name, one in metadata.items()}
            self.load_tensors(place, tensors)
            if map_location is not None:
                tensors = {name: one.to(_device(map_location)) for name, one in tensors.items()}
        found = joined(rest, tensors)
        if "state_dict" not in found:  # a folder that Lightning wrote
            found["state_dict"] = {
                name.removeprefix("model."): one for name, one in tensors.items() if name.startswith("model.")
            }
        checked: dict[str, Any] = found
        return checked

    def load_tensors(self, path: Path, tensors: dict[str, torch.Tensor]) -> None:
        """Fill tensors in place by name (``model.<key of the state_dict>``), each process its own parts of a DTensor.

        The parts need not be those that were written: this is how a checkpoint is read with another number of
        processes, or another division.

        Raises:
            leyden.errors.CheckpointError: the folder does not hold them, or in other shapes.
        """
        place = _local(path)
        try:
            with _quiet():
                load(tensors, storage_reader=SafeReader(place), no_dist=True)
        except CheckpointError:
            raise
        except (Exception, CheckpointException) as error:
            inner = _first(error)
            if isinstance(inner, CheckpointError):
                raise inner from error
            raise CheckpointError(f"The checkpoint {place!r} cannot be read: {_reason(error)}") from error

    def check_checkpoint(self, path: Path) -> None:
        """Compare the files of a folder with their checksums."""
        place = _local(path)
        if os.path.isdir(place):
            self._check(place, always=True)
        else:
            super().check_checkpoint(place)

    def exists(self, path: Path) -> bool:
        """Whether a folder with all it needs, or a file, is there."""
        place = _local(path)
        if os.path.isdir(place):
            return all(os.path.exists(os.path.join(place, name)) for name in (METADATA, REST))
        return super().exists(place)

    def _check(self, folder: str, always: bool = False) -> None:
        if not os.path.exists(os.path.join(folder, REST)):
            raise missing(os.path.join(folder, REST))
        if not os.path.exists(os.path.join(folder, METADATA)):
            raise damaged(folder, f"its file {METADATA} is missing")
        if self.verify or always:
            check(folder, damaged)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's remark that one process works alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.distributed is disabled.*")
        yield


def _local(path: Path) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ArgumentTypeError.about("path", path, "a string or an os.PathLike")
    text = os.fspath(path)
    if "://" in text:
        raise ConfigurationError.about("path", text, "a folder on this machine, without a scheme")
    return text


def _empty(metadata: Any, device: str) -> torch.Tensor:
    return torch.empty(metadata.size, dtype=metadata.properties.dtype, device=device)


def _device(map_location: Any) -> Any:
    if isinstance(map_location, str | torch.device | int):
        return map_location
    raise ArgumentTypeError.about("map_location", map_location, "a device, for folders of shards")


def _room(place: str) -> str:
    """How much can be written; torch's writer does not say so when a disk is full."""
    folder = os.path.dirname(os.path.abspath(place))
    if not os.path.isdir(folder):
        return f"The folder {folder!r} is not there."
    return f"The disk has {shutil.disk_usage(folder).free:,} bytes left for {folder!r}."


def _reason(error: BaseException) -> str:
    """What went wrong first, in the process where it did."""
    rank = next(iter(getattr(error, "failures", None) or ()), None)
    inner = _first(error)
    return f"{'' if rank is None else f'rank {rank}: '}{type(inner).__name__}: {inner}"


def _first(error: BaseException) -> BaseException:
    failures = getattr(error, "failures", None)
    inner: BaseException = next(iter(failures.values()))[0] if failures else error
    return inner
