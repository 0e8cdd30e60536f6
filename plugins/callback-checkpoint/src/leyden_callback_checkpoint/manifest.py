"""Which run each checkpoint of a folder belongs to."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

FOLDER = ".leyden-manifest"
elsewhere: Callable[[str], str] | None = None
"""Where to keep the manifest of a folder, for who wants nothing but checkpoints in it; ``None``: in the folder."""

RUNNING, FINISHED, INTERRUPTED = "running", "finished", "interrupted"


class Manifest:
    """The owners of a local folder's checkpoints, kept in ``.leyden-manifest`` in that folder.

    A name is claimed by creating its record, which only one process can do. Each run has a record too: what process
    it is, how it ended and how far it came. Nothing is created before the first claim.

    Args:
        folder: the folder.

    Attributes:
        run: the id under which this run owns files.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._place: str | None = None
        self.run = uuid4().hex
        self.running = False

    @property
    def place(self) -> str:
        """The folder of the records."""
        if self._place is None:
            self._place = os.path.join(self.folder, FOLDER) if elsewhere is None else elsewhere(self.folder)
        return self._place

    def claim(self, path: str, step: int) -> bool:
        """Make a file this run's own; ``False`` when its name is taken, by a record or a file without one.

        Args:
            path: the file.
            step: ``trainer.global_step`` at which it is to be written.
        """
        self._begin()
        record = self._record(path)
        os.makedirs(os.path.dirname(record), exist_ok=True)
        try:
            descriptor = os.open(record, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return self._reclaim(path, record, step)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._claim(path, step), file)
        if os.path.lexists(path):
            os.unlink(record)
            return False
        return True

    def _reclaim(self, path: str, record: str, step: int) -> bool:
        """Take a name whose file was never written, or was removed by hand, and whose run is over."""
        lock = f"{record}.lock"
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            return False
        try:
            free = not os.path.lexists(path) and self._abandoned(self.owner(path))
            if free:
                self.take(path, step)
        finally:
            os.unlink(lock)
        return free

    def take(self, path: str, step: int) -> None:
        """Make a file this run's own, whoever owned it."""
        self._begin()
        _write(self._record(path), self._claim(path, step))

    def release(self, path: str) -> None:
        """Give up a file that is gone."""
        if self.owns(path):
            os.unlink(self._record(path))

    def owner(self, path: str) -> str | None:
        """The run that a file belongs to; ``None`` when it has no record, ``""`` when that is damaged."""
        try:
            return str(_read(self._record(path)).get("run", ""))
        except FileNotFoundError:
            return None

    def owns(self, path: str) -> bool:
        """Whether a file belongs to this run, also after another process has looked at the folder."""
        return self.owner(path) == self.run

    def adopt(self, paths: Iterable[str], step: int) -> None:
        """Take over files of the run that is being resumed.

        Files without a record are taken too: the caller knows them from a checkpoint. Left alone are the files of a
        run that is still going on, and of one that has finished beyond ``step``: resuming from its past begins
        another run.

        Args:
            paths: existing files in the folder.
            step: ``trainer.global_step`` of the checkpoint resumed from.
        """
        for path in paths:
            owner = self.owner(path)
            if owner is None or (owner != self.run and self._ended_by(owner, step)):
                self.take(path, step)

    def adopt_unfinished(self, run: str | None, step: int) -> set[str]:
        """Take over what a run that was killed has written beyond the checkpoint that it is resumed from.

        This run will come to the same steps, and may then write the files anew under their names.

        Args:
            run: the run; nothing happens unless it was killed.
            step: ``trainer.global_step`` of the checkpoint.

        Returns:
            The files.
        """
        record = self._run(run) if run else None
        if record is None or record.get("status") != RUNNING or not _over(record, unknown=True):
            return set()
        found = {}
        for directory, _, names in os.walk(os.path.join(self.place, "files")):
            for claim in (_read(os.path.join(directory, name)) for name in names if name.endswith(".json")):
                if claim.get("run") == run and claim["step"] > step:
                    found[os.path.join(self.folder, claim["file"])] = claim["step"]
        for path, written_at in found.items():
            self.take(path, written_at)
        return set(found)

    def end(self, status: str, step: int) -> None:
        """The run is over: ``FINISHED`` or ``INTERRUPTED``, at a global step."""
        if self.running:
            self.running = False
            _write(self._run_record(self.run), {**self._process(), "status": status, "step": step})

    def _begin(self) -> None:
        if not self.running:
            self.running = True
            _write(self._run_record(self.run), {**self._process(), "status": RUNNING})

    def _ended_by(self, run: str, step: int) -> bool:
        record = self._run(run)
        if record is None:
            return False
        if record.get("status") == FINISHED:
            return int(record["step"]) <= step
        return _over(record, unknown=True)

    def _abandoned(self, run: str | None) -> bool:
        record = self._run(run) if run else {}
        return run == self.run or record is None or _over(record, unknown=False)

    def _run(self, run: str) -> dict[str, Any] | None:
        try:
            return _read(self._run_record(run))
        except FileNotFoundError:
            return None

    def _process(self) -> dict[str, Any]:
        return {"run": self.run, "host": socket.gethostname(), "pid": os.getpid()}

    def _claim(self, path: str, step: int) -> dict[str, Any]:
        return {"file": os.path.relpath(path, self.folder), "run": self.run, "step": step}

    def _record(self, path: str) -> str:
        # The extension goes, so that nobody who looks for checkpoints finds records.
        stem = os.path.splitext(os.path.relpath(path, self.folder))[0]
        return os.path.join(self.place, "files", f"{stem}.json")

    def _run_record(self, run: str) -> str:
        return os.path.join(self.place, "runs", f"{run}.json")


def _over(record: dict[str, Any], unknown: bool) -> bool:
    """Whether a run is over; ``unknown`` is what to think of one on another machine that did not say so."""
    if record.get("status") in (FINISHED, INTERRUPTED):
        return True
    if record.get("status") != RUNNING:
        return False
    return not _alive(int(record["pid"])) if record.get("host") == socket.gethostname() else unknown


def _alive(pid: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return pid == os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        try:
            found = json.load(file)
        except ValueError:
            # Another process has created the record and not yet, or never, filled it.
            return {}
    return found if isinstance(found, dict) else {}


def _write(path: str, contents: dict[str, Any]) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{uuid4().hex}.part"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(contents, file)
    os.replace(temporary, path)
