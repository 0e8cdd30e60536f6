"""The hook plugin."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from leyden.plugins import hookimpl

if TYPE_CHECKING:
    from leyden import Trainer

VARIABLE = "LEYDEN_PREEMPTION_SIGNALS"
DEFAULT = "SIGTERM,SIGUSR1"
FILE_NAME = "preempted.ckpt"


class Preempted(SystemExit):
    """A fit ended because a signal asked for it; the exit status is 128 plus the signal's number.

    Attributes:
        signal: the signal's number.
        path: the checkpoint; ``None`` when nothing had been trained, so there was nothing to save.
    """

    def __init__(self, number: int, path: str | None) -> None:
        super().__init__(128 + number)
        self.signal, self.path = number, path


class Preemption:
    """On a signal, a fit saves after the running training batch (after the running validation), and the process ends.

    ``fit(ckpt_path="auto")`` in the same program goes on from there. Nothing is called in a step as long as no signal
    comes: only then a listener is added. With several processes, each of which must get the signal, as ``torchrun`` and
    ``srun`` see to, all end after the same batch.

    A signal keeps its effect where it is ignored, where somebody else has a handler for it, outside the main thread,
    and in validation, tests and predictions of their own.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._trainer: Trainer | None = None
        self._signal = 0
        self._agreement: Agreement | None = None

    def leyden_run_start(self, trainer: Trainer) -> None:
        """Take the signals that nobody else wants."""
        if trainer.state.fn != "fit" or threading.current_thread() is not threading.main_thread():
            return
        self._trainer = trainer
        for number in wanted():
            if signal.getsignal(number) == signal.SIG_DFL:
                self._before[number] = signal.signal(number, self._notice)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        trainer = self._trainer
        if trainer is None or trainer.session is None or self._signal:
            return
        self._signal = number
        trainer.session.manager.register([_listener(self._batch_is_done, self._training_starts)])

    def _training_starts(self) -> None:
        if self._trainer is not None and self._trainer.strategy.world_size == 1:
            self._end(None)

    def _batch_is_done(self) -> None:
        trainer = self._trainer
        assert trainer is not None
        if trainer.strategy.world_size > 1:
            self._agreement = self._agreement or Agreement(trainer)
            if not self._agreement.reached(trainer.run_state.counters.batches):
                return
        path = place(trainer)
        trainer.save_checkpoint(path)
        trainer.checkpoint_io().teardown()
        self._end(path)

    def _end(self, path: str | None) -> NoReturn:
        where = f"it goes on from {path} with ckpt_path='auto'" if path else "nothing had been trained"
        name = signal.Signals(self._signal).name
        if self._trainer is not None and self._trainer.is_global_zero:
            print(f"leyden: {name} ends the fit; {where}.", file=sys.stderr, flush=True)
        raise Preempted(self._signal, path)

    def on_exception(self) -> None:
        """Give the signals back."""
        self._release()

    def teardown(self) -> None:
        """Give the signals back."""
        self._release()

    def _release(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before, self._trainer = {}, None


class Agreement:
    """After which batch all processes end: two after the last of them has heard the signal.

    Gradients are exchanged in every step, so no process is more than one batch ahead of another, and in two batches
    each has seen what the others wrote into the store of the process group. No collective is involved.
    """

    def __init__(self, trainer: Trainer) -> None:
        from torch.distributed import distributed_c10d

        self.store = distributed_c10d._get_default_store()
        self.rank, self.world_size = trainer.strategy.global_rank, trainer.strategy.world_size
        self.told = False
        self.last: int | None = None

    def _key(self, rank: int) -> str:
        return f"leyden/preemption/{rank}"

    def reached(self, batches: int) -> bool:
        """Whether this is the batch.

        Args:
            batches: training batches completed.
        """
        if not self.told:
            self.store.set(self._key(self.rank), str(batches))
            self.told = True
        if self.last is None and self.store.check([self._key(one) for one in range(self.world_size)]):
            self.last = 2 + max(int(self.store.get(self._key(one))) for one in range(self.world_size))
        return self.last is not None and batches >= self.last


class _Listener:
    def __init__(self, done: Callable[[], None], starts: Callable[[], None]) -> None:
        self._done, self._starts = done, starts

    @hookimpl(trylast=True)
    def on_train_start(self) -> None:
        self._starts()

    @hookimpl(trylast=True)
    def on_train_batch_end(self) -> None:
        self._done()


def _listener(done: Callable[[], None], starts: Callable[[], None]) -> Any:
    from leyden.plugins.adapt import from_plugin

    return from_plugin("preemption's end", _Listener(done, starts))


def wanted() -> list[int]:
    """The signals' numbers, from the environment variable ``LEYDEN_PREEMPTION_SIGNALS``; those that the system has.

    Raises:
        leyden.errors.ConfigurationError: a name is no signal's.
    """
    from leyden.errors import ConfigurationError

    names = [one.strip() for one in os.environ.get(VARIABLE, DEFAULT).split(",") if one.strip()]
    default = VARIABLE not in os.environ
    numbers = []
    for name in names:
        number = getattr(signal, name, None)
        if isinstance(number, signal.Signals) and name not in ("SIGKILL", "SIGSTOP"):
            numbers.append(int(number))
        elif not default:
            raise ConfigurationError.about(
                VARIABLE, os.environ[VARIABLE], f"signals such as {DEFAULT!r}, or nothing"
            )
    return numbers


def place(trainer: Trainer) -> str:
    """Where the checkpoint goes: beside those of the first checkpoint callback, or below the root folder."""
    for callback in trainer.checkpoint_callbacks:
        folder = getattr(callback, "dirpath", None)
        if folder:
            return os.path.join(folder, FILE_NAME)
    return os.path.join(trainer.default_root_dir, "checkpoints", FILE_NAME)
