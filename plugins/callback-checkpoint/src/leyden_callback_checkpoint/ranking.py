"""The best checkpoints, by score."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from leyden import Trainer


_RANKED = ("best_model_path", "best_model_score", "kth_best_model_path", "kth_value", "current_score")


class Ranking:
    """What is kept, and what has to go when something better comes.

    Args:
        mode: ``"min"`` when small scores are good, ``"max"`` when large ones are.
        save_top_k: how many are kept; -1 for all.

    Attributes:
        best_k_models: the score of each kept file, by path.
        best_model_path: the best file; without scores, the latest.
        best_model_score: its score, a scalar tensor.
        kth_best_model_path: the worst of the kept files once there are ``save_top_k``.
        kth_value: its score.
        current_score: the score of the file kept last.
    """

    def __init__(self, mode: str, save_top_k: int) -> None:
        self.mode = mode
        self.save_top_k = save_top_k
        self.best_k_models: dict[str, Tensor] = {}
        self.best_model_path = ""
        self.best_model_score: Tensor | None = None
        self.kth_best_model_path = ""
        self.kth_value: Tensor = torch.tensor(self._worst)
        self.current_score: Tensor | None = None
        self._elsewhere: tuple[str, Tensor] | None = None

    @property
    def _worst(self) -> float:
        return inf if self.mode == "min" else -inf

    def _badness(self, score: Any) -> float:
        return float(score) if self.mode == "min" else -float(score)

    def check_monitor_top_k(self, trainer: Trainer, current: Tensor | None = None) -> bool:
        """Whether a score is among the best ``save_top_k``; all ranks must agree."""
        if current is None:
            return False
        if self.save_top_k == -1 or len(self.best_k_models) < self.save_top_k:
            return True
        better = self._badness(current) < self._badness(self.best_k_models[self._kth()])
        return bool(trainer.strategy.reduce_boolean_decision(better))

    def _kth(self) -> str:
        return max(self.best_k_models, key=lambda path: self._badness(self.best_k_models[path]))

    def _make_room(self) -> list[str]:
        """Take those out that the next one displaces: one, or more when fewer are kept than before."""
        displaced = []
        while len(self.best_k_models) >= self.save_top_k > 0:
            path = self._kth()
            del self.best_k_models[path]
            displaced.append(path)
        return displaced

    def _enter(self, path: str, score: Tensor) -> None:
        """Keep a file. A score that is not a number counts as the worst."""
        score = score.detach().clone()
        self.current_score = torch.full_like(score, self._worst) if isnan(float(score)) else score
        self.best_k_models[path] = self.current_score
        self._rank()

    def _rank(self) -> None:
        models = self.best_k_models
        if models and len(models) >= self.save_top_k:
            self.kth_best_model_path = self._kth()
            self.kth_value = models[self.kth_best_model_path]
        elif self.kth_best_model_path not in models:
            self.kth_best_model_path, self.kth_value = "", torch.tensor(self._worst)
        candidates = dict([self._elsewhere] if self._elsewhere else []) | models
        if candidates:
            self.best_model_path = min(candidates, key=lambda path: self._badness(candidates[path]))
            self.best_model_score = candidates[self.best_model_path]

    @contextmanager
    def _taken_back_on_error(self, *names: str) -> Iterator[None]:
        """Undo what is done to the ranking (and to further attributes) when the file cannot be written."""
        held = (*_RANKED, *names)
        before = {name: getattr(self, name) for name in held}
        models = dict(self.best_k_models)
        try:
            yield
        except BaseException:
            vars(self).update(before)
            self.best_k_models = models
            raise


def scores_as_yaml(models: Mapping[str, Any]) -> str:
    """Scores by path as a YAML document."""
    lines = [f"{json.dumps(path)}: {_number(float(models[path]))}\n" for path in sorted(models)]
    return "".join(lines) or "{}\n"


def _number(value: float) -> str:
    if not isfinite(value):
        return ".nan" if isnan(value) else (".inf" if value > 0 else "-.inf")
    mantissa, exponent, power = repr(value).partition("e")
    # YAML 1.1 reads 1e-05 as text.
    return f"{mantissa}{'.0' if exponent and '.' not in mantissa else ''}{exponent}{power}"
