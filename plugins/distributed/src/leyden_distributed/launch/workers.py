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
from collections.abc import Callable, Mapping
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
        place = self.place()
        before = {name: os.environ.get(name) for name in place}
        os.environ.update(place)
        folder = tempfile.mkdtemp(prefix="leyden-")
        try:
            self._run(function, trainer, folder)
            return restored(trainer, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)

    def place(self) -> dict[str, str]:
        """The variables that tell workers where rank zero is."""
        environment = self.strategy.environment
        return {"MASTER_ADDR": environment.main_address, "MASTER_PORT": str(environment.main_port)}

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
            work = pickled(function, trainer, f"start_method={self.start_method!r}")
        processes = strategy.num_processes
        first = strategy.node_rank * processes
        workers = [
            context.Process(target=_work, args=(first + one, one, processes, work, folder))
            for one in range(processes)
        ]
        sys.stdout.flush()
        gc.collect()
        for one in workers:
            one.start()
        try:
            _wait(workers)
        finally:
            _end(workers)
        codes = {first + local_rank: one.exitcode or 0 for local_rank, one in enumerate(workers)}
        for one in workers:
            one.close()
        raise_failure(codes, folder, trainer)


def pickled(
    function: Callable[[], Any], trainer: Any, who: str, dumps: Callable[[Any], bytes] = pickle.dumps
) -> bytes:
    """The work of all workers: the call, the Trainer with what the user gave it, and this process's random state.

    Args:
        function: what each worker calls.
        trainer: whose call it is.
        who: what an error says the work is sent by, e.g. ``"start_method='spawn'"``.
        dumps: what pickles.

    Raises:
        leyden.errors.ConfigurationError: something cannot be pickled.
    """
    try:
        return dumps((function, trainer, rng_state(), _flags()))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{who} sends the Trainer, the module and the data to its workers, and "
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


def _work(rank: int, local_rank: int, processes: int, work: Any, folder: str) -> None:
    """What a worker process does."""
    if not isinstance(work, bytes):
        # What was copied is never collected here: a process group, which joins its threads when it goes, would wait
        # for threads that are the other process's.
        gc.freeze()
    os.environ["LOCAL_RANK"] = str(local_rank)
    if not carry_out(work, rank, local_rank, processes, folder):
        sys.exit(1)


def carry_out(
    work: Any,
    rank: int,
    local_rank: int,
    processes: int,
    folder: str,
    prepare: Callable[[Any], None] | None = None,
) -> bool:
    """Do the work of one process, and leave what comes of it in a folder.

    That is an exception, for :func:`raise_failure`; or, by the first process of a machine, the results, for
    :func:`restored`.

    Args:
        work: from :func:`pickled`; or the function and the Trainer themselves.
        rank: of this process among all.
        local_rank: of this process on its machine.
        processes: how many there are on this machine.
        folder: where the calling process looks.
        prepare: called with the Trainer before the work, to tell its strategy where it is.

    Returns:
        Whether it went well.
    """
    limit_threads(processes)
    try:
        function, trainer = _unpickled(work) if isinstance(work, bytes) else work
        if prepare is not None:
            prepare(trainer)
        result = function()
        if local_rank == 0:
            _write(os.path.join(folder, "result"), collect(trainer, result))
        return True
    except BaseException as error:
        _write_error(os.path.join(folder, f"error-{rank}"), error)
        return False
    finally:
        groups.leave()


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


def restored(trainer: Any, folder: str) -> Any:
    """Bring the Trainer up to date with what :func:`carry_out` left, and return what the call returned there."""
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


def raise_failure(codes: Mapping[int, int | str], folder: str, trainer: Any) -> None:
    """Raise what the first process to fail raised, if one did.

    Args:
        codes: exit codes by rank, or what else is known of how it ended; 0 where all went well.
        folder: where :func:`carry_out` left the exceptions.
        trainer: whose call it was.
    """
    found = []
    for rank, code in codes.items():
        path = os.path.join(folder, f"error-{rank}")
        if os.path.exists(path):
            with open(path, "rb") as file:
                held, text, trace, consequence = pickle.load(file)
            found.append((2 if consequence else 0, rank, held, text, trace))
        elif code:
            found.append((1, rank, b"", ended(code) if isinstance(code, int) else code, ""))
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
