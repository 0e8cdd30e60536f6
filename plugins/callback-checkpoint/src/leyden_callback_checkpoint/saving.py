"""Which files are written, and which then go."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ConfigurationError
from leyden_callback_checkpoint.files import Files
from leyden_callback_checkpoint.folder import is_remote
from leyden_callback_checkpoint.ranking import Ranking, scores_as_yaml

if TYPE_CHECKING:
    from leyden import Trainer


class Saving(Ranking, Files):
    """Writes the best (or the latest) and the last checkpoint. A new file stands before the one it displaces goes.

    Attributes:
        monitor: the metric that ranks; ``None`` keeps the latest.
        verbose: say what was saved and what was not.
        save_last: whether there is a last checkpoint; ``"link"`` for a link.
        save_weights_only: leave out what only resuming needs.
        last_model_path: the last checkpoint.
    """

    monitor: str | None
    verbose: bool
    save_last: bool | str | None
    save_weights_only: bool

    def __init__(self) -> None:
        self.last_model_path = ""
        self._last_checkpoint_saved = ""
        self._last_global_step_saved = 0
        self._deferred = False

    def _monitor_candidates(self, trainer: Trainer) -> dict[str, Tensor]:
        """Metrics by name, with the epoch and the step as ints unless the module logs its own."""
        metrics = dict(trainer.callback_metrics)
        for name, value in (("epoch", trainer.current_epoch), ("step", trainer.global_step)):
            metrics[name] = metrics[name].int() if name in metrics else torch.tensor(value)
        return metrics

    def _save_topk_checkpoint(self, trainer: Trainer, monitor_candidates: dict[str, Tensor]) -> None:
        if self.save_top_k == 0:
            return
        if self.monitor is None:
            self._save_latest(trainer, monitor_candidates)
        elif self.check_monitor_top_k(trainer, monitor_candidates[self.monitor]):
            self._save_among_best(trainer, monitor_candidates, monitor_candidates[self.monitor])
        elif self.verbose:
            self._say(monitor_candidates, f"is not among the best {self.save_top_k}; not saved")

    def _save_latest(self, trainer: Trainer, metrics: dict[str, Tensor]) -> None:
        with self._taken_back_on_error("_last_global_step_saved"):
            path = self._new_path(trainer, metrics, reuse=[self.best_model_path])
            # Before saving, because the file holds the state.
            previous, self.best_model_path = self.best_model_path, path
            self._save_checkpoint(trainer, path)
        if self.save_top_k == 1:
            self._remove_displaced(trainer, previous, path)

    def _save_among_best(self, trainer: Trainer, metrics: dict[str, Tensor], score: Tensor) -> None:
        with self._taken_back_on_error("_last_global_step_saved"):
            displaced = self._make_room()
            path = self._new_path(trainer, metrics, reuse=displaced)
            self._enter(path, score)
            self._save_checkpoint(trainer, path)
        if self.verbose:
            self._say(metrics, f"is among the best {len(self.best_k_models)}; saved {path}")
        for one in displaced:
            self._remove_displaced(trainer, one, path)

    def _save_last_checkpoint(self, trainer: Trainer, monitor_candidates: dict[str, Tensor]) -> None:
        if not self.save_last:
            return
        previous = self.last_model_path
        with self._taken_back_on_error("last_model_path", "_last_global_step_saved"):
            path = self._new_path(trainer, monitor_candidates, self.CHECKPOINT_NAME_LAST, reuse=[previous])
            self.last_model_path = path
            if self.save_last == "link" and self._last_checkpoint_saved and self.save_top_k != 0:
                self._link_checkpoint(trainer, self._last_checkpoint_saved, path)
            else:
                self._save_checkpoint(trainer, path)
        self._remove_displaced(trainer, previous, path)

    def _save_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Write one file and tell the loggers."""
        if not self._deferred:
            self._last_global_step_saved = trainer.global_step
        try:
            trainer.save_checkpoint(filepath, self.save_weights_only)
        except BaseException:
            self._give_up(trainer, filepath)
            raise
        self._last_checkpoint_saved = filepath
        trainer.announce_checkpoint(cast(Any, self))

    def _say(self, metrics: dict[str, Tensor], what: str) -> None:
        assert self.monitor is not None
        where = f"Epoch {int(metrics['epoch'])}, step {int(metrics['step'])}"
        rank_zero_info(f"{where}: {self.monitor} {float(metrics[self.monitor]):.5g} {what}.")

    def to_yaml(self, filepath: str | os.PathLike[str] | None = None) -> None:
        """Write ``best_k_models``, path and score, as YAML.

        Args:
            filepath: a local file; ``best_k_models.yaml`` in ``dirpath`` by default.

        Raises:
            leyden.errors.ConfigurationError: the file is not local.
        """
        path = (
            os.path.join(self.dirpath or "", "best_k_models.yaml")
            if filepath is None
            else os.fspath(filepath)
        )
        if is_remote(path):
            raise ConfigurationError.about(
                "filepath", path, "a local file", "Write it locally, then copy it."
            )
        with open(path, "w", encoding="utf-8") as file:
            file.write(scores_as_yaml(self.best_k_models))
