"""How runs of several processes fail."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from leyden.errors import LeydenError


class RankFailureError(LeydenError, RuntimeError):
    """Another process of this run failed, so this one ends, too."""


class RankDisagreementError(RankFailureError):
    """Processes of one run have come to different points, from where they would wait for each other for ever."""


class CollectiveTimeoutError(RankFailureError, TimeoutError):
    """A collective was not joined by all processes in time."""


class RendezvousError(LeydenError, RuntimeError):
    """The processes of a run did not find each other."""


class Interrupted(BaseException):
    """Raised in the main thread by the watching one, from where it becomes the error of the rank that failed."""


@dataclass(frozen=True)
class Failure:
    """The first failure of a run, as all ranks get to know it.

    Attributes:
        rank: whose it is.
        kind: the exception's class, by name.
        text: what it says.
        where: the hook and batch.
        trace: its traceback.
    """

    rank: int
    kind: str
    text: str
    where: str = ""
    trace: str = ""

    @classmethod
    def of(cls, rank: int, error: BaseException, where: str) -> Failure:
        """The failure that an exception is."""
        trace = "".join(traceback.format_exception(error))
        notes = [one.removeprefix("leyden: ") for one in getattr(error, "__notes__", ())]
        place = next((one.removeprefix("raised in ") for one in notes if one.startswith("raised in ")), where)
        return cls(rank, type(error).__name__, str(error), place, trace[-8000:])

    def encoded(self) -> str:
        """The failure as text."""
        return json.dumps(asdict(self))

    @classmethod
    def decoded(cls, text: str) -> Failure:
        """The failure that :meth:`encoded` gave."""
        return cls(**json.loads(text))

    def error(self) -> BaseException:
        """What the other ranks raise."""
        if self.kind == "KeyboardInterrupt":
            return KeyboardInterrupt(f"rank {self.rank} was interrupted")
        kinds = {one.__name__: one for one in (RankDisagreementError, CollectiveTimeoutError)}
        if self.kind in kinds:
            return kinds[self.kind](self.text)
        place = f" ({self.where})" if self.where else ""
        if self.kind == RankFailureError.__name__:
            return RankFailureError(self.text)
        error = RankFailureError(f"Rank {self.rank} raised {self.kind}{place}: {self.text}")
        if self.trace:
            error.add_note(f"The traceback of rank {self.rank}:\n{self.trace}")
        return error


_COMMUNICATION = re.compile(
    r"gloo|NCCL|ncclSystem|c10d|Connection (closed|reset|refused)|Broken pipe|Timed out waiting|"
    r"wait timeout|socket (timeout|closed)|Socket Timeout|store|failed to recv|process group|ProcessGroup",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(r"timed? ?out|timeout", re.IGNORECASE)


def of_communication(error: BaseException) -> bool:
    """Whether an exception comes from processes that talk, and may therefore be the consequence of another's."""
    module = type(error).__module__
    if type(error).__name__.startswith("Dist") and module.startswith("torch"):
        return True
    return isinstance(error, RuntimeError) and bool(_COMMUNICATION.search(str(error)))


def is_timeout(error: BaseException) -> bool:
    """Whether an exception of communication is a time that ran out."""
    return bool(_TIMEOUT.search(str(error)))


def ended(code: int) -> str:
    """What an exit code says."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def within(main_thread: int, function: str) -> bool:
    """Whether the main thread is in a function of this name, or in what it calls."""
    frame = sys._current_frames().get(main_thread)
    while frame is not None:
        if frame.f_code.co_name == function:
            return True
        frame = frame.f_back
    return False


def standing(state: Any, main_thread: int) -> str:
    """Where the main thread stands: hook, epoch, batch, and the innermost line that is not a library's."""
    parts = [f"in {state.hook}" if state.hook else "between hooks"]
    stage = getattr(state.stage, "value", state.stage)
    if stage is not None:
        parts.append(f"{stage} epoch {state.counters.epoch} batch {state.batch_idx}")
    frame = sys._current_frames().get(main_thread)
    while frame is not None:
        name = frame.f_code.co_filename
        if not any(part in name for part in _LIBRARIES) and not name.startswith("<"):
            parts.append(f"{os.path.basename(name)}:{frame.f_lineno}")
            break
        frame = frame.f_back
    return ", ".join(parts)


_LIBRARIES = (
    f"{os.sep}leyden{os.sep}",
    "leyden_",
    f"{os.sep}torch{os.sep}",
    os.path.dirname(os.__file__) + os.sep,
)
