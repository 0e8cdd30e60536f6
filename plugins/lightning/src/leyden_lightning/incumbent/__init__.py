"""Private names of Lightning's that packages read, attached to Leyden's classes while its names are installed.

Each class in this package holds what one of Leyden's classes lacks. :func:`attach` copies the members over,
:func:`detach` takes them away again. Nothing that Leyden has itself is replaced, but for ``Strategy.connect``, whose
other signature is added, and for the rule that checkpoints hold plain data alone: packages read hyper-parameters from
their files as the objects that they were.
"""

from __future__ import annotations

import getpass
import hashlib
import logging
import os
import tempfile
from functools import partial
from typing import Any

from leyden_lightning import wording

_ABSENT = object()
_attached: list[tuple[Any, str, Any]] = []
_notes = wording.Notes()


def attach() -> None:
    """Give Leyden's classes what packages read; nothing when they have it."""
    if _attached:
        return
    from leyden.api import hparams, loaders, loading, saved_hparams, session, steps
    from leyden.api.callback import Callback
    from leyden.api.data import Data
    from leyden.api.datamodule import LightningDataModule
    from leyden.api.loop_views import EvaluationLoopView
    from leyden.api.module import LightningModule
    from leyden.api.trainer import Trainer
    from leyden.api.warn import LeydenWarning
    from leyden.errors import LeydenError
    from leyden.interfaces.strategy import Strategy
    from leyden.kernel import loop
    from leyden_lightning.incumbent import (
        advice,
        callback,
        datamodule,
        hyper,
        loops,
        module,
        strategy,
        trainer,
    )

    pairs: list[tuple[type, type]] = [
        (Trainer, trainer.TrainerMembers),
        (LightningModule, module.ModuleMembers),
        (Callback, callback.CallbackMembers),
        (Strategy, strategy.StrategyMembers),
        (EvaluationLoopView, loops.EvaluationLoopMembers),
    ]
    for target, source in pairs:
        _give(target, source)
    _connecting(Strategy)
    _put(Strategy, "__init_subclass__", classmethod(lambda cls: _connecting(cls)))
    _put(saved_hparams, "keep_objects", True)
    _put(loaders, "skip_empty", True)
    _put(loading, "_from_file", hyper.from_file)
    _put(LightningDataModule, "__str__", datamodule.described)
    _put(session, "merged_hyper_parameters", hyper.cleaning(hparams.merged_hyper_parameters))
    _put(steps, "loss_of", advice.on_loss(steps.loss_of))
    _put(loop, "fit_done", advice.on_end(loop.fit_done))
    _put(Data, "load_train", advice.on_training(Data.load_train))
    _put(Data, "load_evaluation", advice.on_evaluation(Data.load_evaluation))
    _manifests()
    _monitors()
    _bars()
    _put(LeydenError, "__str__", wording.error_text)
    _put(LeydenWarning, "__str__", wording.warning_text)
    logging.getLogger("leyden").addFilter(_notes)
    if logging.getLogger("leyden").level == logging.NOTSET:
        logging.getLogger("leyden").setLevel(logging.INFO)


def _manifests() -> None:
    """Keep the manifests of checkpoint folders out of those folders: programs compare what is in them."""
    try:
        from leyden_callback_checkpoint import manifest
    except ModuleNotFoundError:
        return
    _put(manifest, "elsewhere", manifest_place)


def _give(target: type, source: type) -> None:
    """Copy the members that a class lacks."""
    for name, member in vars(source).items():
        if name not in _PYTHON and not _has(target, name):
            _put(target, name, member)


def _monitors() -> None:
    """``ModelCheckpoint`` and ``EarlyStopping``, where they are installed."""
    from leyden_lightning.incumbent import checkpointing

    try:
        from leyden_callback_checkpoint.callback import ModelCheckpoint
        from leyden_callback_early_stopping.callback import EarlyStopping
    except ModuleNotFoundError:
        return
    _give(ModelCheckpoint, checkpointing.CheckpointMembers)
    _put(ModelCheckpoint, "setup", checkpointing.told_of_files(ModelCheckpoint.setup))
    _put(ModelCheckpoint, "load_state_dict", checkpointing.told_of_move(ModelCheckpoint.load_state_dict))
    _put(EarlyStopping, "stopping_reason_message", checkpointing.worded_reason())


def _bars() -> None:
    """``TQDMProgressBar``, where a program names it, draws as often as it is told, and not lines for a file."""
    try:
        from leyden_callback_progress import Throttle
        from leyden_callback_progress_tqdm import callback
    except ModuleNotFoundError:
        return
    _put(callback, "in_terminal", lambda: True)
    _put(callback, "Throttle", partial(Throttle, 0.0))
    _put(callback.TQDMProgressBar, "numbers_one_loader", True)


def manifest_place(folder: str) -> str:
    """Where the manifest of a folder is kept; another place for a folder of the same name that was made later."""
    path = os.path.realpath(folder)
    os.makedirs(path, exist_ok=True)
    about = os.stat(path)
    name = hashlib.sha256(f"{path}:{about.st_dev}:{about.st_ino}".encode()).hexdigest()[:32]
    return os.path.join(tempfile.gettempdir(), f"leyden-manifests-{getpass.getuser()}", name)


def _connecting(kind: type) -> None:
    """Let a strategy's own ``connect``, and those of its subclasses, take a module."""
    from leyden_lightning.incumbent.strategy import connecting

    if "connect" in vars(kind):
        _put(kind, "connect", connecting(vars(kind)["connect"]))
    subclasses: list[type] = kind.__subclasses__()
    for one in subclasses:
        _connecting(one)


def detach() -> None:
    """Take away what :func:`attach` gave."""
    logging.getLogger("leyden").removeFilter(_notes)
    while _attached:
        target, name, before = _attached.pop()
        if before is _ABSENT:
            delattr(target, name)
        else:
            setattr(target, name, before)


_PYTHON = frozenset({"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__"})


def _has(target: type, name: str) -> bool:
    return any(name in vars(one) for one in target.__mro__)


def _put(target: Any, name: str, member: Any) -> None:
    _attached.append((target, name, vars(target).get(name, _ABSENT)))
    setattr(target, name, member)
