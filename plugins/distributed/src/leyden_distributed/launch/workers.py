"""Workers: processes that run one call of the Trainer and give its results back."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from leyden.api.returned import collect, restore
from leyden.api.rng import rng_state, set_rng_state
from leyden.errors import ConfigurationError
from leyden.kernel.state import TrainerStatus
from leyden_distributed import group as groups
from leyden_distributed.failures import RankFailureError, ended
from leyden_distributed.launch.base import Launcher, limit_threads

GRACE = 20.0
"""Seconds that workers have to end after one of them failed."""


class WorkerLauncher(Launcher):
    """Runs each call of the Trainer in worker processes, one a device.

    Afterwards the Trainer and the module in the calling process are as rank zero's were: weights, counters, metrics,
    states of callbacks. Optimizers and predictions do not come back.

    Args:
        strategy: says how many.
        start_method: ``"spawn"`` and ``"forkserver"`` start anew and need everything to be picklable, and a program
            whose work stands under ``if __name__ == "__main__"``; ``"fork"`` copies this process.
    """

    def __init__(self, strategy: Any, start_method: str) -> None:
        super().__init__(strategy)
        self.start_method = start_method

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        strategy = self.strategy
        if strategy.environment.creates_processes_externally:
            return function()
        self._check()
        place = {
            "MASTER_ADDR": strategy.environment.main_address,
            "MASTER_PORT": str(strategy.environment.main_port),
        }
        before = {name: os.environ.get(name) for name in place}
        os.environ.update(place)
        folder = tempfile.mkdtemp(prefix="leyden-")
        try:
            self._run(function, trainer, folder)
            return _restored(trainer, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)

    def _check(self) -> None:
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise ConfigurationError(
                f"start_method={self.start_method!r} imports the program in each worker, which now tries to start "
                "workers itself. Put what the program does under: if __name__ == '__main__':"
            )
        if self.start_method in ("fork", "forkserver") and torch.cuda.is_initialized():
            raise ConfigurationError.about(
                "start_method",
                self.start_method,
                "'popen' or 'spawn' after CUDA was used in this process",
                "Or leave calls of torch.cuda, and tensors on GPUs, to the Trainer.",
            )
        if self.start_method == "fork" and torch.distributed.is_initialized():
            raise ConfigurationError.about(
                "start_method", "fork", "another one in a process that is member of a process group"
            )

    def _run(self, function: Callable[[], Any], trainer: Any, folder: str) -> None:
        strategy = self.strategy
        context: Any = multiprocessing.get_context(self.start_method)
        work: Any = (function, trainer)
        if self.start_method != "fork":
            work = self._pickled(function, trainer)
        workers = [
            context.Process(target=_work, args=(local_rank, strategy.num_processes, work, folder))
            for local_rank in range(strategy.num_processes)
        ]
        sys.stdout.flush()
        gc.collect()
        for one in workers:
            one.start()
        try:
            _wait(workers)
        finally:
            _end(workers)
        first = strategy.node_rank * strategy.num_processes
        _raise_failure(workers, folder, first, trainer)

    def _pickled(self, function: Callable[[], Any], trainer: Any) -> bytes:
        try:
            return pickle.dumps((function, trainer, rng_state(), _flags()))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"start_method={self.start_method!r} sends the Trainer, the module and the data to its workers, and "
                f"something of them cannot be pickled: {error}. Define classes and functions at the top of a module, "
                "or use start_method='popen' or 'fork'."
            ) from error


def _flags() -> dict[str, Any]:
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "benchmark": torch.backends.cudnn.benchmark,
    }


def _unpickled(work: bytes) -> tuple[Callable[[], Any], Any]:
    function, trainer, randomness, flags = pickle.loads(work)
    torch.use_deterministic_algorithms(flags["deterministic"], warn_only=flags["warn_only"])
    torch.backends.cudnn.benchmark = flags["benchmark"]
    set_rng_state(randomness)
    return function, trainer


def _work(local_rank: int, processes: int, work: Any, folder: str) -> None:
    """What a worker does."""
    if not isinstance(work, bytes):
        # What was copied is never collected here: a process group, which joins its threads when it goes, would wait
        # for threads that are the other process's.
        gc.freeze()
    os.environ["LOCAL_RANK"] = str(local_rank)
    limit_threads(processes)
    code = 0
    try:
        function, trainer = _unpickled(work) if isinstance(work, bytes) else work
        result = function()
        if local_rank == 0:
            _write(os.path.join(folder, "result"), collect(trainer, result))
    except BaseException as error:
        _write_error(os.path.join(folder, f"error-{local_rank}"), error)
        code = 1
    groups.leave()
    if code:
        sys.exit(code)


def _write(path: str, found: Any) -> None:
    torch.save(found, f"{path}.part")
    os.replace(f"{path}.part", path)


def _write_error(path: str, error: BaseException) -> None:
    trace = "".join(traceback.format_exception(error))
    try:
        held = pickle.dumps(error)
        pickle.loads(held)
    except Exception:
        held = b""
    text = f"{type(error).__name__}: {error}"
    with open(f"{path}.part", "wb") as file:
        pickle.dump((held, text, trace, isinstance(error, RankFailureError)), file)
    os.replace(f"{path}.part", path)


def _restored(trainer: Any, folder: str) -> Any:
    path = os.path.join(folder, "result")
    if not os.path.exists(path):
        return None  # the machine of rank zero has it
    return restore(trainer, torch.load(path, weights_only=False))


def _wait(workers: list[BaseProcess]) -> None:
    """Wait for all workers; when one fails, for the others a little longer."""
    until: float | None = None
    while left := [one for one in workers if one.is_alive()]:
        with contextlib.suppress(KeyboardInterrupt):
            # Ctrl-C reaches the workers, too: they end their runs in order.
            wait([one.sentinel for one in left], timeout=0.5)
        if until is None and any(one.exitcode for one in workers):
            until = time.monotonic() + GRACE
        if until is not None and time.monotonic() > until:
            return


def _end(workers: list[BaseProcess]) -> None:
    for end in (BaseProcess.terminate, BaseProcess.kill):
        for one in workers:
            if one.is_alive():
                end(one)
                one.join(3)
    for one in workers:
        one.join()


def _raise_failure(workers: list[BaseProcess], folder: str, first: int, trainer: Any) -> None:
    """Raise what the first worker to fail raised."""
    found = []
    for local_rank, one in enumerate(workers):
        if one.exitcode:
            path = os.path.join(folder, f"error-{local_rank}")
            if os.path.exists(path):
                with open(path, "rb") as file:
                    held, text, trace, consequence = pickle.load(file)
                found.append((2 if consequence else 0, first + local_rank, held, text, trace))
            else:
                found.append((1, first + local_rank, b"", ended(one.exitcode), ""))
    for one in workers:
        one.close()
    if not found:
        return
    trainer.run_state.status = TrainerStatus.INTERRUPTED
    order, rank, held, text, trace = min(found, key=lambda one: one[:2])
    if held:
        error = pickle.loads(held)
    elif order == 1:
        error = RankFailureError(f"The process of rank {rank} ended with {text}.")
    else:
        error = RankFailureError(f"Rank {rank} raised {text}")
    if trace:
        error.add_note(f"leyden: raised in the process of rank {rank}:\n{trace}")
    raise error
