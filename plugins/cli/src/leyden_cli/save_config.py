"""The configuration of a run, beside what the run writes."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Any

from fsspec.core import url_to_fs

from leyden import Callback
from leyden.errors import ConfigurationError

if TYPE_CHECKING:
    from jsonargparse import Namespace

    from leyden_cli.parser import LightningArgumentParser


class SaveConfigCallback(Callback):
    """Writes the configuration into the run's ``log_dir`` when the run is set up. A file that is there stays: the next
    run's gets a number (``config_1.yaml``).

    Args:
        parser: the parser that read the configuration.
        config: the configuration.
        config_filename: the file's name.
        overwrite: write over the file of an earlier run.
        multifile: where several files were read, write as many; then an earlier run's folder is kept instead.
        save_to_log_dir: ``False`` leaves it to :meth:`save_config` alone.

    Attributes:
        config_path: the file that was written, on rank zero.

    Raises:
        leyden.errors.ConfigurationError: ``save_to_log_dir=False``, and ``save_config`` is not overridden.
    """

    def __init__(
        self,
        parser: LightningArgumentParser,
        config: Namespace,
        config_filename: str = "config.yaml",
        overwrite: bool = False,
        multifile: bool = False,
        save_to_log_dir: bool = True,
    ) -> None:
        self.parser = parser
        self.config = config
        self.config_filename = config_filename
        self.overwrite = overwrite
        self.multifile = multifile
        self.save_to_log_dir = save_to_log_dir
        self.already_saved = False
        self.config_path: str | None = None
        if not save_to_log_dir and type(self).save_config is SaveConfigCallback.save_config:
            raise ConfigurationError.about(
                "save_to_log_dir", save_to_log_dir, "True, or a subclass that overrides save_config",
                "To save nothing, say save_config_callback=None.",
            )  # fmt: skip

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Write the file, once in the life of this object and on rank zero."""
        if self.already_saved:
            return
        log_dir = trainer.log_dir if self.save_to_log_dir else None  # asked on every rank: it is broadcast
        if trainer.is_global_zero:
            if self.save_to_log_dir:
                self.config_path = self._write(os.fspath(log_dir or trainer.default_root_dir))
            self.save_config(trainer, pl_module, stage)
        self.already_saved = True

    def save_config(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Override it to save the configuration elsewhere as well, e.g. with ``self.parser.dump(self.config)`` in a
        logger. It is called on rank zero alone, so nothing in it may wait for other ranks."""

    def _write(self, folder: str) -> str:
        files, root = url_to_fs(folder)
        path = os.path.join(folder, self.config_filename)
        if not self.overwrite:
            path = self._free(files, folder)
        files.makedirs(url_to_fs(os.path.dirname(path) or root)[1], exist_ok=True)
        if self.multifile:
            self.parser.save(self.config, path, skip_unset=False, overwrite=self.overwrite, multifile=True)
            return path
        text = self.parser.dump(self.config, skip_unset=False)
        with files.open(url_to_fs(path)[1], "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _free(self, files: Any, folder: str) -> str:
        """The first path that nothing stands at."""
        name, ending = os.path.splitext(self.config_filename)
        for number in count():
            last = f"{name}_{number}" if number else name
            numbered = (
                os.path.join(last, self.config_filename) if self.multifile and number else f"{last}{ending}"
            )
            path = os.path.join(folder, numbered)
            if not files.exists(url_to_fs(path)[1]):
                return path
        raise AssertionError
