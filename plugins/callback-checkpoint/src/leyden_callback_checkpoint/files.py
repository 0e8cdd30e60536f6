"""The files that a checkpoint callback makes: names, ownership, removal."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from leyden.errors import CheckpointError
from leyden_callback_checkpoint.folder import default_folder, inside, is_remote, joined, link, normal
from leyden_callback_checkpoint.manifest import Manifest
from leyden_callback_checkpoint.names import Template
from leyden_callback_checkpoint.ranks import decided

if TYPE_CHECKING:
    from leyden import Trainer


class Files:
    """Names of checkpoints, and what may be overwritten and removed: the run's own files and no others.

    Args:
        dirpath: the folder; ``None`` until a run decides.
        filename: the template of names without extension; ``None`` for epoch and step.
        auto_insert_metric_name: write ``metric=value`` rather than ``value``.
        enable_version_counter: give a name that is taken a number, rather than overwrite the file.
    """

    CHECKPOINT_JOIN_CHAR = "-"
    CHECKPOINT_EQUALS_CHAR = "="
    CHECKPOINT_NAME_LAST = "last"
    FILE_EXTENSION = ".ckpt"
    STARTING_VERSION = 1

    def __init__(
        self,
        dirpath: str | None,
        filename: str | None,
        auto_insert_metric_name: bool,
        enable_version_counter: bool,
    ) -> None:
        self.dirpath = None if dirpath is None else normal(dirpath)
        self.filename = filename
        self.auto_insert_metric_name = auto_insert_metric_name
        self._enable_version_counter = enable_version_counter
        self._manifest: Manifest | None = None
        self._unfinished: set[str] = set()
        if filename:
            Template.parse(filename)

    # -- names -----------------------------------------------------------------------------------------------

    def format_checkpoint_name(
        self,
        metrics: Mapping[str, Any],
        filename: str | None = None,
        ver: int | None = None,
        prefix: str | None = None,
    ) -> str:
        """The path of a checkpoint.

        Args:
            metrics: numbers and scalar tensors by name; one that the template names and that is missing counts as 0.
            filename: a template other than the callback's.
            ver: a number to tell files of one name apart.
            prefix: what the name begins with.

        Raises:
            leyden.errors.ConfigurationError: the template does not fit the metrics.
        """
        default = self.CHECKPOINT_JOIN_CHAR.join(("{epoch}", "{step}"))
        template = Template.parse(filename or self.filename or default)
        pieces = [prefix] if prefix is not None else []
        pieces.append(template.render(metrics, self._equals))
        if ver is not None:
            pieces.append(f"v{ver}")
        name = f"{self.CHECKPOINT_JOIN_CHAR.join(pieces)}{self.FILE_EXTENSION}"
        return os.path.join(self.dirpath, name) if self.dirpath else name

    @property
    def _equals(self) -> str | None:
        return self.CHECKPOINT_EQUALS_CHAR if self.auto_insert_metric_name else None

    def _new_path(
        self,
        trainer: Trainer,
        metrics: Mapping[str, Any],
        filename: str | None = None,
        reuse: Iterable[str] = (),
    ) -> str:
        """Claim the path of a new checkpoint, which may be that of a file that it replaces."""

        def named(ver: int | None) -> str:
            return self.format_checkpoint_name(metrics, filename, ver)

        return decided(trainer, lambda: self._claimed(trainer, named, set(reuse)), named(None))

    def _claimed(self, trainer: Trainer, named: Callable[[int | None], str], reuse: set[str]) -> str:
        first: list[int | None] = [None]
        for ver in chain(first, count(self.STARTING_VERSION)):
            path = named(ver)
            try:
                if self._claim(trainer, path, path in reuse or path in self._unfinished):
                    self._unfinished.discard(path)
                    return path
            except OSError as error:
                reason = error.strerror or str(error)
                raise CheckpointError(f"The checkpoint {path} cannot be made: {reason}.") from error
        raise AssertionError("a version is always free")

    def _claim(self, trainer: Trainer, path: str, reuse: bool) -> bool:
        manifest = self._owners(path)
        if manifest is None:
            return reuse or not self._enable_version_counter or not self._exists(trainer, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not self._enable_version_counter:
            manifest.take(path, trainer.global_step)
            return True
        return (reuse and manifest.owns(path)) or manifest.claim(path, trainer.global_step)

    # -- what is there ---------------------------------------------------------------------------------------

    def file_exists(self, filepath: str | os.PathLike[str], trainer: Trainer) -> bool:
        """Whether a checkpoint stands at a path, as rank zero sees it."""
        return decided(trainer, lambda: self._exists(trainer, os.fspath(filepath)), False)

    def _exists(self, trainer: Trainer, path: str) -> bool:
        return trainer.checkpoint_io().exists(path) if is_remote(path) else os.path.lexists(path)

    def _owners(self, path: str) -> Manifest | None:
        """The manifest that a path belongs to; ``None`` for remote paths and those outside ``dirpath``."""
        if self.dirpath is None or is_remote(path) or not inside(path, self.dirpath):
            return None
        if self._manifest is None or self._manifest.folder != self.dirpath:
            self._manifest = Manifest(self.dirpath)
        return self._manifest

    def _folder(self, trainer: Trainer) -> str:
        """Where this run's checkpoints go."""
        fallback = joined(trainer.default_root_dir, "checkpoints")
        if self.dirpath is not None:
            return os.fspath(self.dirpath)
        return decided(trainer, lambda: default_folder(trainer), fallback)

    def _find_last_checkpoints(self, trainer: Trainer) -> set[str]:
        """The files in the folder that are named like the last checkpoint, whichever run they belong to."""
        folder = self._folder(trainer)
        if is_remote(folder) or not os.path.isdir(folder):
            return set()
        name = Template.parse(self.CHECKPOINT_NAME_LAST).pattern(self._equals)
        version, extension = re.escape(self.CHECKPOINT_JOIN_CHAR), re.escape(self.FILE_EXTENSION)
        wanted = re.compile(f"{name}({version}v\\d+)?{extension}")
        return {os.path.join(folder, one) for one in os.listdir(folder) if wanted.fullmatch(one)}

    # -- removal and links -----------------------------------------------------------------------------------

    def _remove_displaced(self, trainer: Trainer, previous: str, current: str) -> None:
        if previous and trainer.is_global_zero and self._should_remove_checkpoint(trainer, previous, current):
            self._remove_checkpoint(trainer, previous)

    def _should_remove_checkpoint(self, trainer: Trainer, previous: str, current: str) -> bool:
        """Whether a file that was displaced goes.

        It stays when it was overwritten, when the run resumed from it, when it stands outside ``dirpath``, and when
        it is another run's.
        """
        if previous == current:
            return False
        resumed = trainer.ckpt_path
        if is_remote(previous):
            return bool(previous != resumed)
        if resumed and os.path.realpath(previous) == os.path.realpath(resumed):
            return False
        manifest = self._owners(previous)
        return manifest is not None and manifest.owns(previous)

    def _remove_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Remove a file and give up its name."""
        trainer.checkpoint_io().remove_checkpoint(filepath)
        manifest = self._owners(filepath)
        if manifest is not None:
            manifest.release(filepath)

    def _give_up(self, trainer: Trainer, filepath: str) -> None:
        """Release the name of a file that could not be written."""
        manifest = self._owners(filepath)
        if manifest is not None and trainer.is_global_zero and not os.path.lexists(filepath):
            manifest.release(filepath)

    def _link_checkpoint(self, trainer: Trainer, filepath: str, linkpath: str) -> None:
        """Let ``linkpath`` lead to a checkpoint, once that stands."""
        if filepath != linkpath:
            io = trainer.checkpoint_io()
            decided(trainer, lambda: io.when_written(lambda: link(filepath, linkpath)), None)
