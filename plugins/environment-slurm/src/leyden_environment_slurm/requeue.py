"""Jobs that save a checkpoint and requeue themselves when their time runs out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from leyden.api.rank_zero import rank_zero_info
from leyden.api.soon import after_batch
from leyden.api.warn import warn
from leyden.plugins import hookimpl
from leyden_environment_slurm.environment import SLURMEnvironment

if TYPE_CHECKING:
    from leyden import Trainer

PREFIX = "hpc_ckpt_"


class Requeue:
    """Waits for SLURM's signal while fitting.

    The signal reaches the processes at different times. Each says so in the store of the run and trains on; when all
    have it, they agree on an update a little later, after which ``hpc_ckpt_<n>.ckpt`` is written to
    ``default_root_dir`` and rank zero calls ``scontrol requeue``. Until the signal comes, nothing is called in the
    training loop.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._signal: Any = None

    @hookimpl(tryfirst=True)
    def leyden_run_start(self, trainer: Trainer) -> None:
        # First, so that a plugin that ends the process on this signal leaves it to this one.
        if trainer.state.fn != "fit":
            return
        environment = trainer.strategy.environment
        if environment is None and SLURMEnvironment.detect():
            environment = SLURMEnvironment()
        if not isinstance(environment, SLURMEnvironment) or not environment.auto_requeue:
            return
        wanted = environment.requeue_signal
        if wanted is None or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(wanted) not in (None, signal.SIG_DFL):
            return  # the program handles it itself
        self._signal, self._before = wanted, signal.signal(wanted, lambda *_: self._told(trainer))

    def _told(self, trainer: Trainer) -> None:
        after_batch(trainer, "requeue", lambda: requeue(trainer))

    def on_exception(self) -> None:
        self.teardown()

    def teardown(self) -> None:
        if self._signal is not None:
            signal.signal(self._signal, self._before)
            self._signal = None


def requeue(trainer: Trainer) -> None:
    """Save a checkpoint, on all ranks, and requeue the job."""
    path = next_checkpoint(trainer.default_root_dir)
    trainer.save_checkpoint(trainer.strategy.broadcast(path))
    if not trainer.is_global_zero:
        return
    job = os.environ.get("SLURM_JOB_ID", "")
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array is not None:
        job = f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    if not re.fullmatch(r"[0-9_-]+", job):
        warn(
            "slurm-requeue",
            f"The job's number {job!r} is none, so it is not requeued; {path} holds where it stood.",
        )
        return
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        warn("slurm-requeue", f"scontrol was not found, so job {job} is not requeued: {error}")
        return
    if done.returncode:
        warn("slurm-requeue", f"scontrol requeue {job} ended with {done.returncode}: {done.stderr.strip()}")
    else:
        rank_zero_info(f"Job {job} is requeued; {path} holds where it stands.")


def next_checkpoint(folder: str) -> str:
    """The path of the next checkpoint of this kind."""
    return os.path.join(folder, f"{PREFIX}{latest(folder) + 1}.ckpt")


def latest(folder: str) -> int:
    """The highest number that a checkpoint of this kind has in a folder; 0 for none."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [re.fullmatch(rf"{PREFIX}(\d+)\.ckpt", name) for name in names]
    return max((int(one[1]) for one in found if one), default=0)
