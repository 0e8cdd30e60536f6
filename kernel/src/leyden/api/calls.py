"""What one call of fit, validate, test or predict was given, sorted out."""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leyden.api.compiled import compile_steps, is_compiled
from leyden.api.datamodule import LightningDataModule
from leyden.api.module import LightningModule
from leyden.api.rank_zero import rank_zero_info
from leyden.api.warn import warn
from leyden.errors import CheckpointError, UserCodeError
from leyden.kernel.state import TrainerFn
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, shown

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer


@dataclass
class Call:
    """One call.

    Attributes:
        fn: which.
        model: the module, or ``None`` for the last one.
        datamodule: the data module, if given.
        loaders: loaders by prefix, or a data module in their place.
        ckpt_path: a path, ``"best"``, ``"last"``, ``"auto"`` or ``None``.
    """

    fn: TrainerFn
    model: Any
    datamodule: Any
    loaders: dict[str, Any]
    ckpt_path: Any

    def resolved(self, trainer: Trainer) -> tuple[LightningModule, Any, dict[str, Any]]:
        """The module, the data module and the loaders.

        Raises:
            leyden.errors.ConfigurationError: something is missing, of the wrong kind, or given twice.
        """
        module = self._module(trainer)
        first = next(iter(self.loaders))
        if isinstance(self.loaders[first], LightningDataModule):
            if self.datamodule is not None:
                raise ConfigurationError(
                    f"Trainer.{self.fn} got one datamodule as datamodule and one as loaders. Give one."
                )
            self.datamodule = self.loaders[first]
            self.loaders[first] = None
        self._check_data()
        return module, self.datamodule, self.loaders

    def _module(self, trainer: Trainer) -> LightningModule:
        found = self.model
        if found is None:
            found = trainer.lightning_module
            if found is None:
                raise ArgumentTypeError(
                    f"Trainer.{self.fn} needs a model: none was given, and nothing has run before."
                )
        if not inspect.isclass(found) and isinstance(getattr(found, "_orig_mod", None), LightningModule):
            found = compile_steps(found) if is_compiled(found) else found._orig_mod
        if isinstance(found, LightningModule) and "_modules" not in vars(found):
            raise UserCodeError(
                f"{type(found).__name__}.__init__ did not call super().__init__(). Call it first in there."
            )
        if inspect.isclass(found) or not isinstance(found, LightningModule):
            hint = (
                f"Call it: {found.__name__}()."
                if inspect.isclass(found)
                else "Make its class a leyden.LightningModule."
            )
            raise ArgumentTypeError.about(f"Trainer.{self.fn}(model)", found, "a LightningModule", hint)
        return found

    def _check_data(self) -> None:
        data = self.datamodule
        if data is None:
            return
        if not isinstance(data, LightningDataModule):
            raise ArgumentTypeError.about(f"Trainer.{self.fn}(datamodule)", data, "a LightningDataModule")
        given = [name for name, loader in self.loaders.items() if loader is not None]
        if given:
            name = f"{given[0]}_dataloaders" if self.fn is TrainerFn.FITTING else "dataloaders"
            raise ConfigurationError(f"Trainer.{self.fn} got both {name} and datamodule: give one of them.")

    def checkpoint(self, trainer: Trainer) -> str | None:
        """The checkpoint to load, as a path.

        Raises:
            leyden.errors.ConfigurationError: ``"best"`` or ``"last"`` is asked for where nobody keeps one.
        """
        sticky = trainer.sticky_ckpt_path
        if None not in (self.ckpt_path, sticky):
            warn(
                "ckpt-path",
                f"trainer.ckpt_path = {sticky!r} was set, and ckpt_path={self.ckpt_path!r} is loaded.",
            )
        wanted = self.ckpt_path if self.ckpt_path is not None else sticky
        if wanted is None and self.fn is TrainerFn.FITTING:
            wanted = trainer.run_state.extra.get("resume_from")
        if wanted is None:
            return self._resumed(trainer) or self._implied(trainer)
        if wanted == "best":
            return self._best(trainer)
        if wanted == "hpc":
            path = self._of_job(trainer)
            if path is None:
                raise MissingCheckpointError("ckpt_path='hpc': no checkpoint of a requeued job is there yet.")
            return path
        if wanted == "last":
            return self._last(trainer)
        if wanted == "auto":
            return self._auto(trainer)
        if not isinstance(wanted, str) and not hasattr(wanted, "__fspath__"):
            raise ArgumentTypeError.about("ckpt_path", wanted, "a path, 'best', 'last', 'auto' or None")
        if os.path.isdir(wanted) and not os.listdir(wanted):
            raise MissingCheckpointError(
                f"ckpt_path={shown(str(wanted))} is an empty folder, and no checkpoint."
            )
        io = trainer.checkpoint_io()
        if not io.exists(wanted):
            if os.path.isfile(wanted):
                io.check_checkpoint(wanted)  # says what is wrong with one that was cut off
            raise MissingCheckpointError(
                f"ckpt_path={shown(str(wanted))} does not exist. Check the path, or leave ckpt_path out."
            )
        return str(wanted)

    def _resumed(self, trainer: Trainer) -> str | None:
        """What a fit resumes unasked: the last checkpoint, where a callback left one that says so."""
        if self.fn is TrainerFn.FITTING:
            for callback in trainer.checkpoint_callbacks:
                waiting = getattr(callback, "_resumes_unasked", None)
                if waiting is not None and waiting(trainer):
                    return self._last(trainer)
        return None

    def _implied(self, trainer: Trainer) -> str | None:
        if self.fn is TrainerFn.FITTING:
            return self._of_job(trainer)
        if self.model is not None:
            return None
        callback = trainer.checkpoint_callback
        path = getattr(callback, "best_model_path", "")
        if path:
            warn(
                "implied-best",
                f"Trainer.{self.fn} without a model takes the weights of the best checkpoint, {path}. "
                "Pass the model for those it has now, or ckpt_path='best' to say so.",
            )
        return path or None

    def _of_job(self, trainer: Trainer) -> str | None:
        """What a job that its cluster started again goes on from."""
        from leyden.api.component_choice import detected_environment

        environment = trainer.strategy.environment or detected_environment()
        path = environment.resumes_from(trainer.default_root_dir) if environment is not None else None
        if path is not None:
            rank_zero_info(f"The job was started again and goes on from {path}.")
        return path

    def _best(self, trainer: Trainer) -> str:
        callback = trainer.checkpoint_callback
        if callback is None:
            raise ConfigurationError(
                "ckpt_path='best' needs a callback that keeps the best: add ModelCheckpoint(monitor=…)."
            )
        path = getattr(callback, "best_model_path", "")
        if len(trainer.checkpoint_callbacks) > 1:
            warn(
                "several-best",
                f"ckpt_path='best' is that of the first of several checkpoint callbacks, {path}.",
            )
        if not path:
            why = " (fast_dev_run saves none)" if trainer.fast_dev_run else ""
            raise ConfigurationError(
                f"ckpt_path='best': {type(callback).__name__} has saved no checkpoint yet{why}. Fit "
                "first, or pass a path."
            )
        return str(path)

    def _last(self, trainer: Trainer) -> str | None:
        from leyden.api.last import last_checkpoint

        path = last_checkpoint(trainer)
        if path is None:
            warn("no-last", "ckpt_path='last': there is no checkpoint yet, so none is loaded.")
        else:
            rank_zero_info(f"ckpt_path='last' is {path}")
        return path

    def _auto(self, trainer: Trainer) -> str | None:
        from leyden.api.last import resumable_checkpoint

        path = resumable_checkpoint(trainer)
        rank_zero_info(
            f"ckpt_path='auto' is {path}" if path else "ckpt_path='auto': there is nothing to resume."
        )
        return path


class MissingCheckpointError(CheckpointError, FileNotFoundError, ValueError):
    """``ckpt_path`` names a file that does not exist."""
