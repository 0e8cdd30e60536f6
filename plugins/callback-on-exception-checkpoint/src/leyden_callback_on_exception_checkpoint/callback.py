"""``OnExceptionCheckpoint``: saves a checkpoint when a fit ends with an exception."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.api.warn import warn
from leyden.callbacks import Checkpoint
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.kernel.state import TrainerFn

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class OnExceptionCheckpoint(Checkpoint):
    """Saves a checkpoint when an exception or Ctrl-C ends a fit, and removes it after a fit that ends well.

    ``fit`` without a ``ckpt_path`` goes on from the last checkpoint as long as the file is there.

    Args:
        dirpath: the folder.
        filename: the file's name without ``.ckpt``.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    FILE_EXTENSION: ClassVar[str] = ".ckpt"
    leyden_monitors: ClassVar[bool] = False

    def __init__(self, dirpath: str | os.PathLike[str], filename: str = "on_exception") -> None:
        if not isinstance(dirpath, str | os.PathLike):
            raise ArgumentTypeError.about("dirpath", dirpath, "the path of a folder")
        if not isinstance(filename, str):
            raise ArgumentTypeError.about("filename", filename, "a name without its ending")
        if not filename:
            raise ConfigurationError.about("filename", filename, "a name without its ending, and not empty")
        self.dirpath = dirpath
        self.filename = filename
        self._failed = False

    @property
    def ckpt_path(self) -> str:
        """The file."""
        return os.path.join(self.dirpath, self.filename + self.FILE_EXTENSION)

    @property
    def state_key(self) -> str:
        return self._generate_state_key(dirpath=os.fspath(self.dirpath), filename=self.filename)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._failed = False

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._failed = True
        # before optimizers exist there is nothing that could be resumed
        if trainer.state.fn is not TrainerFn.FITTING or trainer.running.step is None:
            return
        try:
            trainer.save_checkpoint(self.ckpt_path)
        except Exception as error:
            text = f"{self.ckpt_path} could not be saved: {type(error).__name__}: {error}"
            exception.add_note(f"leyden: {text}")
            warn("on-exception-unsaved", text)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit" and not self._failed and trainer.is_global_zero:
            trainer.checkpoint_io().remove_checkpoint(self.ckpt_path)

    def _resumes_unasked(self, trainer: Trainer) -> bool:
        """Whether a fit resumes although no ``ckpt_path`` is given: while the file is there."""
        return trainer.checkpoint_io().exists(self.ckpt_path)

    def _find_last_checkpoints(self, trainer: Trainer) -> set[Any]:
        return {self.ckpt_path}
