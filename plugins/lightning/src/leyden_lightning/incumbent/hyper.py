"""Hyper-parameters as programs for Lightning expect them from files and in runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from leyden.api.warn import LeydenWarning, warn
from leyden_lightning.utilities.parsing import is_picklable
from leyden_lightning.utilities.saving import load_hparams_from_tags_csv, load_hparams_from_yaml

Merge = Callable[..., dict[str, Any] | None]


def from_file(path: Any) -> dict[str, Any]:
    """Hyper-parameters from a YAML or CSV file; empty, with a warning, where it is missing."""
    if not os.path.exists(path):
        warn(
            "hparams-file",
            f"hparams_file={os.fspath(path)!r} does not exist: it gives nothing.",
            LeydenWarning,
        )
        return {}
    if os.fspath(path).lower().endswith(".csv"):
        return load_hparams_from_tags_csv(path)
    from leyden.api.hparams_file import read_hparams

    return read_hparams(path) if not _has_tags(path) else load_hparams_from_yaml(path, use_omegaconf=False)


def _has_tags(path: Any) -> bool:
    with open(path, encoding="utf-8") as file:
        return "!!python/" in file.read()


def cleaning(merge: Merge) -> Merge:
    """``merged_hyper_parameters``, which first takes out of ``hparams`` what cannot be pickled, and says so."""

    @wraps(merge)
    def merged(*owners: Any) -> dict[str, Any] | None:
        for owner in owners:
            _clean(getattr(owner, "hparams", {}))
        return merge(*owners)

    return merged


def _clean(hparams: Any) -> None:
    for key in [key for key, value in hparams.items() if not is_picklable(value)]:
        del hparams[key]
        warn(
            "hparams-unpicklable",
            f"The hyper-parameter {key!r} cannot be pickled and is taken out of hparams. Leave it out with "
            f"save_hyperparameters(ignore=[{key!r}]).",
            LeydenWarning,
        )
