"""``ModelCheckpoint``: keeps the best and the last checkpoints of a fit."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from leyden.api.rank_zero import rank_zero_info
from leyden.api.warn import warn
from leyden.callbacks import Checkpoint
from leyden.errors import ConfigurationError
from leyden_callback_checkpoint import arguments
from leyden_callback_checkpoint.files import Files
from leyden_callback_checkpoint.folder import check_writable, is_remote
from leyden_callback_checkpoint.manifest import FINISHED, INTERRUPTED
from leyden_callback_checkpoint.monitor import Monitor
from leyden_callback_checkpoint.ranking import Ranking
from leyden_callback_checkpoint.ranks import decided
from leyden_callback_checkpoint.restored import Restored
from leyden_callback_checkpoint.saving import Saving
from leyden_callback_checkpoint.trigger import Trigger

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer


class ModelCheckpoint(Saving, Checkpoint):
    """Saves checkpoints while fitting, and keeps the best or the latest of them.

    A monitored checkpoint is saved when its metric is of the model that is saved: a save that is due while the
    metric is older waits for the validation (or the batch, or the epoch's end) that produces it anew. A name is
    taken by one run alone, and no run overwrites or removes a file of another.

    Args:
        dirpath: the folder; by default ``checkpoints`` in the first logger's folder or in ``default_root_dir``.
        filename: a template of metrics without extension, e.g. ``"{epoch}-{val_loss:.2f}"``; ``/`` makes folders.
        monitor: the metric that ranks checkpoints; ``None`` keeps the latest.
        verbose: say what was saved and what was not.
        save_last: at each save that is due, also write ``last.ckpt``; ``"link"`` for a link to the newest file.
        save_top_k: how many of the best are kept; -1 for all, 0 for none.
        save_on_exception: also save when the fit ends with an exception or Ctrl-C.
        save_weights_only: leave out what only resuming needs.
        mode: ``"min"`` when small values of the metric are good, ``"max"`` when large ones are.
        auto_insert_metric_name: write ``metric=value`` into names rather than ``value``.
        every_n_train_steps: save every so many optimizer steps (``trainer.global_step``).
        train_time_interval: save whenever so much time has passed, after a training batch.
        every_n_epochs: save every so many epochs; 1 when no other trigger is given.
        save_on_train_epoch_end: save at the end of training epochs rather than of validation; by default where
            each epoch ends with validation, or nothing is validated.
        enable_version_counter: give a name that is taken a number (``-v1``) rather than overwrite the file.

    Raises:
        leyden.errors.ConfigurationError: an argument, or a pair of arguments, is not possible.
    """

    def __init__(
        self,
        dirpath: str | os.PathLike[str] | None = None,
        filename: str | None = None,
        monitor: str | None = None,
        verbose: bool = False,
        save_last: bool | Literal["link"] | None = None,
        save_top_k: int = 1,
        save_on_exception: bool = False,
        save_weights_only: bool = False,
        mode: str = "min",
        auto_insert_metric_name: bool = True,
        every_n_train_steps: int | None = None,
        train_time_interval: timedelta | None = None,
        every_n_epochs: int | None = None,
        save_on_train_epoch_end: bool | None = None,
        enable_version_counter: bool = True,
    ) -> None:
        flag = arguments.flag
        self.monitor = arguments.text("monitor", monitor, "the name of a metric")
        self.verbose = flag("verbose", verbose)
        self.save_last = flag("save_last", save_last, None, "link")
        self.save_on_exception: bool = flag("save_on_exception", save_on_exception)
        self.save_weights_only = flag("save_weights_only", save_weights_only)
        self._save_on_train_epoch_end = flag("save_on_train_epoch_end", save_on_train_epoch_end, None)
        self._trigger = Trigger(every_n_train_steps, every_n_epochs, train_time_interval)
        top_k = arguments.count("save_top_k", save_top_k, -1, "-1 keeps all.")
        Ranking.__init__(self, arguments.choice("mode", mode, ("min", "max")), top_k)
        names = flag("auto_insert_metric_name", auto_insert_metric_name)
        counter = flag("enable_version_counter", enable_version_counter)
        where = arguments.path("dirpath", dirpath)
        Files.__init__(self, where, arguments.template("filename", filename), names, counter)
        Saving.__init__(self)
        self._monitored = None if self.monitor is None else Monitor(self.monitor)
        self._validated = False
        self._restored: Restored | None = None
        self._check_pairs()

    def _check_pairs(self) -> None:
        if self.monitor is None and self.save_top_k not in (-1, 0, 1):
            allowed = "-1, 0 or 1 with monitor=None"
            remedy = "Give the metric to rank by as monitor."
            raise ConfigurationError.about("save_top_k", self.save_top_k, allowed, remedy)
        self._check_links()

    def _check_links(self) -> None:
        if self.save_last == "link" and self.dirpath is not None and is_remote(self.dirpath):
            allowed = f"None, True or False with dirpath={self.dirpath!r}"
            raise ConfigurationError.about(
                "save_last", "link", allowed, "There are no links on remote storage."
            )

    @property
    def every_n_epochs(self) -> int:
        """Save every so many epochs; 0 with another trigger."""
        return self._trigger.every_n_epochs

    @property
    def state_key(self) -> str:
        trigger = self._trigger
        return self._generate_state_key(
            monitor=self.monitor,
            mode=self.mode,
            every_n_train_steps=trigger.every_n_train_steps,
            every_n_epochs=trigger.every_n_epochs,
            train_time_interval=trigger.train_time_interval,
        )

    # -- hooks -----------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.dirpath = where = self._folder(trainer)
        self._check_links()
        if stage == "fit" and trainer.global_step == 0:
            self._forget_progress()
        if stage == "fit" and not trainer.fast_dev_run and not is_remote(where):
            decided(trainer, lambda: check_writable(where), None)

    def _forget_progress(self) -> None:
        """The counters of this fit begin anew, unless a checkpoint says otherwise."""
        self._deferred, self._last_global_step_saved, self._unfinished = False, 0, set()
        if self._monitored is not None:
            self._monitored.validated_at = -1

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._trigger.start()
        self._validated = False
        if self._restored is not None:
            self._restored.take_up(self, trainer)
            self._restored = None
        if self._save_on_train_epoch_end is False and self.every_n_epochs and not trainer.enable_validation:
            warn(
                "checkpoint-never",
                "ModelCheckpoint(save_on_train_epoch_end=False) saves when validation ends, and nothing is "
                "validated: it saves nothing. Leave the argument out.",
            )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (self._trigger.by_batch or self._deferred) and not self._skips(trainer):
            due = self._trigger.batch_due(trainer)
            if due or self._deferred:
                self._save_or_defer(trainer, due)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._validated = True
            if self._monitored is not None:
                self._monitored.validation_ends(trainer)
            due = not self._saves_on_train_epoch_end(trainer) and self._trigger.epoch_due(trainer)
            if (due or self._deferred) and not self._skips(trainer):
                self._save_or_defer(trainer, due, must_be_there=due)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        due = self._saves_on_train_epoch_end(trainer) and self._trigger.epoch_due(trainer)
        if (due or self._deferred) and not self._skips(trainer):
            self._save_or_defer(trainer, due, must_be_there=True, epoch_ends=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.save_last and not self._last_checkpoint_saved and not self._skips(trainer):
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer, FINISHED)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self.save_on_exception and not self._skips(trainer):
            metrics = self._monitor_candidates(trainer)
            path = self._new_path(trainer, metrics)
            self._save_checkpoint(trainer, path)
            self._save_last_checkpoint(trainer, metrics)
            rank_zero_info(f"{type(exception).__name__} ended the fit; {path} holds where it stood.")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._end(trainer, INTERRUPTED)

    def _end(self, trainer: Trainer, status: str) -> None:
        if self._manifest is not None:
            self._manifest.end(status, trainer.global_step)

    # -- when ------------------------------------------------------------------------------------------------

    def _skips(self, trainer: Trainer) -> bool:
        """Whether nothing is saved now: not fitting, only trying, or already saved at this step."""
        return (
            bool(trainer.fast_dev_run)
            or trainer.state.fn != "fit"
            or trainer.sanity_checking
            or self._last_global_step_saved == trainer.global_step
        )

    def _saves_on_train_epoch_end(self, trainer: Trainer) -> bool:
        if self._save_on_train_epoch_end is not None:
            return bool(self._save_on_train_epoch_end)
        if trainer.check_val_every_n_epoch != 1:
            return False
        return not sum(trainer.num_val_batches) or bool(trainer.val_check_interval == 1.0)

    def _save_or_defer(
        self, trainer: Trainer, due: bool, must_be_there: bool = False, epoch_ends: bool = False
    ) -> None:
        """Save now if the metric is of now, otherwise when it will be.

        Args:
            trainer: of the running fit.
            due: whether the trigger fires now; otherwise an earlier save waits.
            must_be_there: whether a metric that was never produced is a mistake if validation has run.
            epoch_ends: whether the training epoch ends.
        """
        metrics = self._monitor_candidates(trainer)
        monitored = self._monitored
        if monitored is None or self.save_top_k == 0 or monitored.is_fresh(trainer, epoch_ends=epoch_ends):
            self._deferred = False
            self._save_topk_checkpoint(trainer, metrics)
            self._save_last_checkpoint(trainer, metrics)
            return
        if must_be_there and monitored.is_missing(trainer):
            self._complain(monitored, trainer)
        self._deferred = True
        # The last checkpoint needs no metric; but where validation follows at once, it waits for that too.
        if due and self.save_last != "link" and not (trainer.training and trainer.validation_is_due):
            self._save_last_checkpoint(trainer, metrics)

    def _complain(self, monitored: Monitor, trainer: Trainer) -> None:
        if self._validated:
            raise monitored.complaint(trainer)
        if not trainer.enable_validation and not self._deferred:
            warn("checkpoint-monitor", f"{monitored.complaint(trainer)} Until then nothing is saved.")

    # -- state -----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {
            "monitor": self.monitor,
            "best_model_score": self.best_model_score,
            "best_model_path": self.best_model_path,
            "current_score": self.current_score,
            "dirpath": self.dirpath,
            "best_k_models": self.best_k_models,
            "kth_best_model_path": self.kth_best_model_path,
            "kth_value": self.kth_value,
            "last_model_path": self.last_model_path,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = Restored(state_dict)
        self._restored.give(self)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        # Beside the state, whose keys are those of Lightning's format.
        own = {"deferred": self._deferred, "saved_at": self._last_global_step_saved}
        if self._monitored is not None:
            own["validated_at"] = self._monitored.validated_at
        checkpoint.setdefault("leyden", {}).setdefault("callbacks", {})[self.state_key] = own

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        own = checkpoint.get("leyden", {}).get("callbacks", {}).get(self.state_key, {})
        self._deferred = bool(own.get("deferred", False))
        self._last_global_step_saved = int(own.get("saved_at", 0))
        if self._monitored is not None:
            self._monitored.validated_at = int(own.get("validated_at", -1))
