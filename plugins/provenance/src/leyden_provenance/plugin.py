"""The hook plugin."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leyden import Trainer

SECRET = re.compile(r"(?i)(token|secret|passw|api_?-?key|credential)")
HIDDEN = "<hidden>"
PATIENCE = 5.0  # seconds for git, whose repository may be on a slow disk


class Provenance:
    """Adds ``checkpoint["leyden"]["provenance"]``: commit, command line, versions and the Trainer's keywords.

    All of it is text and plain data. What looks like a secret by its name is hidden.
    """

    def __init__(self) -> None:
        self._facts: dict[str, Any] | None = None

    def on_save_checkpoint(self, trainer: Trainer, checkpoint: dict[str, Any]) -> None:
        """Add it; what does not change is found out once a run."""
        own = checkpoint.get("leyden")
        if own is not None:
            if self._facts is None:
                self._facts = facts(trainer)
            own["provenance"] = {**self._facts, "saved": datetime.now(UTC).isoformat(timespec="seconds")}


def facts(trainer: Trainer) -> dict[str, Any]:
    """What is known of this process and its Trainer."""
    import torch

    from leyden.api.hparams_file import plain

    return {
        "command": [*_without_secrets(sys.argv)],
        "folder": os.getcwd(),
        "host": platform.node(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "git": git(program_folder()),
        "keywords": {
            name: HIDDEN if SECRET.search(name) else plain(value) for name, value in trainer.given.items()
        },
    }


def program_folder() -> str:
    """Where the program stands: its file's folder, or the working directory."""
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0] else None
    return str(script.resolve().parent) if script is not None and script.is_file() else os.getcwd()


def git(folder: str) -> dict[str, Any] | None:
    """Commit, branch, and whether tracked files differ from it; ``None`` outside a repository or without git."""
    commit = _asked(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _asked(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _asked(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "changed": None if changes is None else bool(changes),
    }


def _asked(folder: str, *arguments: str) -> str | None:
    command = ["git", "-C", folder, *arguments]
    # Without locks, so that asking disturbs nobody who works in the repository.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=True, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _without_secrets(arguments: list[str]) -> list[str]:
    shown, hide = [], False
    for one in arguments:
        name, equals, _ = one.partition("=")
        if hide and not one.startswith("-"):
            shown.append(HIDDEN)
            hide = False
        elif SECRET.search(name):
            shown.append(f"{name}={HIDDEN}" if equals else name)
            hide = not equals and one.startswith("-")
        else:
            shown.append(one)
            hide = False
    return shown
