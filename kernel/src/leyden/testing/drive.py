"""Runs of the tiny module, watched from outside."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from leyden.plugins.catalogue import OPTIONS, catalogue
from leyden.testing.footprint import Footprint
from leyden.testing.outcome import Outcome
from leyden.testing.recorder import HookRecorder

OFF = ("enable_checkpointing", "enable_progress_bar", "enable_model_summary")
"""Options that are ``False`` unless given, so that a run does what its test names and no more."""


class Runner:
    """Runs the tiny module and says what became of it.

    Args:
        folder: the working directory and ``default_root_dir`` of the runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def __call__(
        self,
        *stages: str,
        module: Any = None,
        data: Any = None,
        rank: int = 0,
        allowed: Sequence[str] | None = None,
        ckpt_path: str | os.PathLike[str] | None = None,
        **keywords: Any,
    ) -> Outcome:
        """Run one or several stages with one Trainer.

        Args:
            stages: ``fit``, ``validate``, ``test``, ``predict``; ``fit`` when none is named.
            module: the module; a ``TinyModule`` by default.
            data: the datamodule; ``TinyData`` by default.
            rank: the rank that the process says it has; there are ``rank + 1``.
            allowed: what may run besides the kernel, as ``LEYDEN_PLUGINS`` says it; everything by default.
            ckpt_path: the checkpoint to resume ``fit`` from.
            keywords: for the Trainer. Logger, checkpoints, progress bar and summary are off unless given;
                accelerator, strategy and checkpoint io are those of :mod:`leyden.testing.host` unless given.
        """
        from leyden.testing.tiny import TinyData, TinyModule

        _warm_up()
        outcome = Outcome(module=module or TinyModule())
        arguments = {"model": outcome.module, "datamodule": data or TinyData()}
        calls = [
            (stage, {**arguments, "ckpt_path": ckpt_path} if stage == "fit" else arguments)
            for stage in stages
        ]
        with self._watched(outcome), _allowing(allowed):
            self._run(outcome, calls or [("fit", arguments)], _keywords(keywords, rank, self.folder))
        return outcome

    def _run(
        self, outcome: Outcome, calls: Sequence[tuple[str, dict[str, Any]]], keywords: dict[str, Any]
    ) -> None:
        from leyden.api.trainer import Trainer

        recorder = HookRecorder()
        try:
            outcome.trainer = Trainer(**keywords)
            outcome.trainer.add_listener(recorder)
            for stage, arguments in calls:
                outcome.result = getattr(outcome.trainer, stage)(**arguments)
        except BaseException as error:
            outcome.exception = error
        outcome.events = recorder.names
        if outcome.trainer is not None:
            outcome.metrics = {name: float(value) for name, value in outcome.trainer.callback_metrics.items()}

    @contextlib.contextmanager
    def _watched(self, outcome: Outcome) -> Iterator[None]:
        files = self._files()
        out, err = io.StringIO(), io.StringIO()
        with _inside(self.folder), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            before = Footprint.take()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                yield
            after = Footprint.take()
            outcome.threads, outcome.processes = after.new_threads(before), after.new_processes(before)
            outcome.handles, outcome.settings = after.new_handles(before), after.changed(before)
        outcome.warnings = [str(one.message) for one in caught]
        outcome.stdout, outcome.stderr = out.getvalue(), err.getvalue()
        outcome.files = sorted(name for name, what in self._files().items() if files.get(name) != what)

    def _files(self) -> dict[str, tuple[int, int]]:
        found = (
            path for path in self.folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
        return {
            str(path.relative_to(self.folder)): (path.stat().st_mtime_ns, path.stat().st_size)
            for path in found
        }


def _keywords(given: dict[str, Any], rank: int, folder: Path) -> dict[str, Any]:
    from leyden.testing.host import HostAccelerator, HostStrategy

    defaults: dict[str, Any] = {
        "logger": False,
        **{name: False for name in _switches(given.get("callbacks"))},
    }
    defaults |= {"accelerator": HostAccelerator(), "strategy": HostStrategy(rank, rank + 1), "devices": 1}
    defaults |= {"default_root_dir": folder, "max_epochs": 1}
    return {**defaults, **given, "plugins": _plugins(given)}


def _switches(callbacks: Any) -> list[str]:
    """The options to switch off: those that may run, less those whose package one of the callbacks comes from."""
    given = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    packages = {cls.__module__.partition(".")[0] for one in given for cls in type(one).__mro__}
    found = [one for one in catalogue().group(OPTIONS) if not one.refusal and not one.incompatibility]
    return [one.name for one in found if one.name in OFF and one.module.partition(".")[0] not in packages]


def _plugins(given: dict[str, Any]) -> list[Any]:
    """The plugins given, and those of the host for what nobody gave."""
    from leyden.interfaces.checkpoint_io import CheckpointIO
    from leyden.interfaces.precision import Precision
    from leyden.testing.host import HostCheckpointIO

    plugins = list(given.get("plugins", ()))
    if not any(isinstance(one, CheckpointIO) for one in plugins):
        plugins.append(HostCheckpointIO())
    if "precision" not in given and not any(isinstance(one, Precision) for one in plugins):
        plugins.append(Precision())
    return plugins


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Make a folder the place for everything that is written without a path: working directory, temporary files."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        tempfile.tempdir = temporary


@contextlib.contextmanager
def _allowing(names: Sequence[str] | None) -> Iterator[None]:
    """Set ``LEYDEN_PLUGINS``, unless anything may run."""
    if names is None:
        yield
        return
    before = os.environ.get("LEYDEN_PLUGINS")
    os.environ["LEYDEN_PLUGINS"] = ",".join(names)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LEYDEN_PLUGINS"]
        else:
            os.environ["LEYDEN_PLUGINS"] = before


@lru_cache(maxsize=1)
def _warm_up() -> None:
    """Import and use what every run does, so that it is not taken for what a plugin leaves behind."""
    from leyden.api.trainer import Trainer
    from leyden.testing.tiny import TinyData, TinyModule

    with tempfile.TemporaryDirectory() as folder, _allowing(()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Trainer(**_keywords({}, 0, Path(folder))).fit(TinyModule(), datamodule=TinyData())
