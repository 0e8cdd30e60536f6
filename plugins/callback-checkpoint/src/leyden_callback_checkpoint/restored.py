"""What a checkpoint says about files, compared with what is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from leyden.api.rank_zero import rank_zero_info
from leyden.api.warn import warn
from leyden.plugins.errors import listed
from leyden_callback_checkpoint.folder import inside, is_remote
from leyden_callback_checkpoint.ranks import decided

if TYPE_CHECKING:
    from leyden import Trainer
    from leyden_callback_checkpoint.callback import ModelCheckpoint


class Restored:
    """The state that a callback took from a checkpoint, until training begins and files can be looked for.

    Args:
        state: of ``ModelCheckpoint.state_dict``.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.state = dict(state)
        self.dirpath: str | None = self.state.get("dirpath")

    @property
    def paths(self) -> set[str]:
        """All files that the state names."""
        single = {self.state.get(name) or "" for name in ("best_model_path", "last_model_path")}
        return (single | set(self.state.get("best_k_models") or {})) - {""}

    def give(self, callback: ModelCheckpoint) -> None:
        """Give a callback its state: all of it when it saves into the same folder, else the best file alone."""
        state = self.state
        if callback.dirpath is None:
            callback.dirpath = self.dirpath
        callback.best_model_path = state.get("best_model_path") or ""
        if callback.dirpath == (self.dirpath or callback.dirpath):
            callback.best_model_score = state.get("best_model_score")
            callback.best_k_models = dict(state.get("best_k_models") or {})
            callback.current_score = state.get("current_score")
            callback.kth_best_model_path = state.get("kth_best_model_path") or ""
            callback.kth_value = state.get("kth_value", callback.kth_value)
            callback.last_model_path = state.get("last_model_path") or ""

    def take_up(self, callback: ModelCheckpoint, trainer: Trainer) -> None:
        """Go on with the files that are still there, also when their folder has moved; say which are gone."""
        new, paths = callback.dirpath or "", self.paths
        same = {path: path for path in paths}
        where = decided(trainer, lambda: self._located(callback, trainer, paths, new), same)
        continues = new == (self.dirpath or new) or any(where[path] != path for path in where)
        self._resettle(callback, where, continues)
        if not continues and callback.best_model_path:
            rank_zero_info(
                f"ModelCheckpoint now saves into {new}. {callback.best_model_path} counts as the best until a better "
                f"one is saved; the files in {self.dirpath} are left alone."
            )
        if continues and trainer.is_global_zero:
            self._adopt(callback, where.values(), trainer)
        lost = sorted(paths - set(where))
        # A run that was killed may have removed them after it wrote the checkpoint.
        if lost and trainer.is_global_zero and not callback._unfinished:
            warn("checkpoint-gone", f"ModelCheckpoint resumes without files that are gone: {listed(lost)}.")

    def _resettle(self, callback: ModelCheckpoint, where: Mapping[str, str], continues: bool) -> None:
        state = self.state
        best, score = where.get(state.get("best_model_path") or "", ""), state.get("best_model_score")
        callback.best_model_path, callback.best_model_score = best, score if best else None
        models = dict(state.get("best_k_models") or {}) if continues else {}
        callback.best_k_models = {where[path]: score for path, score in models.items() if path in where}
        callback.last_model_path = where.get(state.get("last_model_path") or "", "") if continues else ""
        callback._elsewhere = (best, score) if best and score is not None and not continues else None
        if callback.best_k_models:
            callback._rank()

    def _located(
        self, callback: ModelCheckpoint, trainer: Trainer, paths: Iterable[str], new: str
    ) -> dict[str, str]:
        """Where files stand now; those that are gone are left out."""
        found = {}
        for path in paths:
            there = [one for one in (path, self._moved(path, new)) if callback._exists(trainer, one)]
            if there:
                found[path] = there[0]
        return found

    def _moved(self, path: str, new: str) -> str:
        old = self.dirpath
        if not old or is_remote(old) or is_remote(new) or not inside(path, old):
            return path
        return os.path.join(new, os.path.relpath(path, old))

    def _adopt(self, callback: ModelCheckpoint, paths: Iterable[str], trainer: Trainer) -> None:
        step, last = trainer.global_step, callback.last_model_path
        manifest = callback._owners(last) if last else None
        if manifest is not None and os.path.realpath(last) == os.path.realpath(trainer.ckpt_path or ""):
            found = manifest.adopt_unfinished(manifest.owner(last), step)
            callback._unfinished = found - set(paths)
        for path in paths:
            manifest = callback._owners(path)
            if manifest is not None:
                manifest.adopt([path], step)
