"""What became of a program: refused clearly, refused unclearly, accepted silently, or hung."""

from __future__ import annotations

import faulthandler
import io
import logging
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

import torch

from .case import Case, Control
from .namespace import Namespace

Verdict = Literal["clear", "unclear", "silent", "hang"]
SECONDS = 20.0
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


class Hang(BaseException):
    """The program was still running when its time was up; no ``except Exception`` swallows it."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        error: the exception that came out, ``None`` if it ran through.
        trace: its traceback as text.
        built: whether the Trainer had been built.
        steps: how many steps of the user's module had begun.
    """

    error: BaseException | None
    trace: str
    built: bool
    steps: int

    @property
    def text(self) -> str:
        """The error's text with its notes."""
        return "\n".join([str(self.error), *getattr(self.error, "__notes__", ())])

    def verdict(self, case: Case) -> Verdict:
        """One word; ``clear`` needs every name of the case in the text, and in time."""
        if isinstance(self.error, Hang):
            return "hang"
        if self.error is None:
            return "silent"
        return "unclear" if self.flaws(case) else "clear"

    def flaws(self, case: Case) -> list[str]:
        """What is wrong with the error: names that it misses, steps that ran before it."""
        found = [f"does not say {name!r}" for name in case.names if not mentions(self.text, name)]
        if case.when != "at_step" and self.steps:
            found.append(f"comes after {self.steps} steps")
        return found


def mentions(text: str, name: str) -> bool:
    """Whether a text holds a name; a number counts only where it stands alone (not in ``-1`` or ``10``)."""
    if not _NUMBER.fullmatch(name):
        return name in text
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?!\w|\.\d)", text) is not None


def run(case: Case | Control, ns: Namespace, folder: Path, seconds: float = SECONDS) -> Outcome:
    """Run a program in a folder of its own, silently, leaving the process as it was."""
    ns.witness.reset()
    with _restored(), chdir(folder):
        error = _error_of(case, ns, folder, seconds)
        trace = "".join(traceback.format_exception(error)) if error else ""
        _release(error)
    return Outcome(error, trace, ns.witness.built, ns.witness.steps)


def _error_of(
    case: Case | Control, ns: Namespace, folder: Path, seconds: float
) -> Exception | SystemExit | Hang | None:
    try:
        with limited(seconds):
            case.program(ns, folder)
    except (Exception, SystemExit, Hang) as error:
        return error
    return None


def _release(error: BaseException | None) -> None:
    """Let go of what the frames hold while warnings are still silent: coroutines, files, loaders."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`Hang` when the time is up; a process stuck in foreign code is ended with a traceback."""

    def expire(signum: int, frame: FrameType | None) -> None:
        raise Hang(f"still running after {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, expire)
    faulthandler.dump_traceback_later(3 * seconds, exit=True, file=sys.__stderr__ or 2)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def _restored() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        stack.callback(_restore_environment, dict(os.environ))
        stack.callback(
            _restore_torch, torch.are_deterministic_algorithms_enabled(), torch.get_default_dtype()
        )
        stack.callback(logging.disable, logging.root.manager.disable)
        for number in _SIGNALS:
            stack.callback(signal.signal, number, signal.getsignal(number))
        logging.disable(logging.CRITICAL)
        yield


def _restore_environment(values: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


def _restore_torch(deterministic: bool, dtype: torch.dtype) -> None:
    torch.use_deterministic_algorithms(deterministic)
    torch.set_default_dtype(dtype)
    torch.backends.cudnn.benchmark = False
    torch.autograd.set_detect_anomaly(False)
    torch.set_grad_enabled(True)
