"""``SLURMEnvironment``: ranks as ``srun`` tells them."""

from __future__ import annotations

import os
import re
import shutil
import signal
from typing import ClassVar

from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces.environment import ClusterEnvironment

INTERACTIVE = ("bash", "interactive")
"""Names of jobs in which programs are started by hand, so that nothing is taken from SLURM."""


class SLURMEnvironment(ClusterEnvironment):
    """Processes that ``srun`` starts.

    Rank zero is on the first machine of ``SLURM_NODELIST``; the port follows from the job's number. ``MASTER_ADDR`` and
    ``MASTER_PORT`` go before both.

    Args:
        auto_requeue: when SLURM says that the time is running out, save a checkpoint and requeue the job.
        requeue_signal: how it says so (``--signal=SIGUSR1@90``); SIGUSR1 by default.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible, or srun was told a number of tasks that Leyden
            cannot divide between machines.
    """

    priority: ClassVar[int] = 30

    def __init__(self, auto_requeue: bool = True, requeue_signal: signal.Signals | None = None) -> None:
        if not isinstance(auto_requeue, bool):
            raise ArgumentTypeError.about("auto_requeue", auto_requeue, "True or False")
        if requeue_signal is not None and not isinstance(requeue_signal, signal.Signals):
            raise ArgumentTypeError.about(
                "requeue_signal", requeue_signal, "None or a signal", "Write e.g. signal.SIGUSR2."
            )
        self.auto_requeue = auto_requeue
        self.requeue_signal = requeue_signal or getattr(signal, "SIGUSR1", None)
        tasks = int(os.environ.get("SLURM_NTASKS", "1"))
        if tasks > 1 and "SLURM_NTASKS_PER_NODE" not in os.environ:
            raise ConfigurationError(
                f"The job was given --ntasks={tasks}, which does not say how many tasks a machine has. Write "
                "--ntasks-per-node=… instead, the number that the Trainer gets as devices."
            )

    @staticmethod
    def detect() -> bool:
        """Whether ``srun`` started this process, in a job whose name is neither "bash" nor "interactive"."""
        used = "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in INTERACTIVE
        inside = "SLURM_JOB_ID" in os.environ and os.environ.get("SLURM_JOB_NAME") not in INTERACTIVE
        if inside and not used and shutil.which("srun") is not None:
            warn(
                "slurm-without-srun",
                "This is a job of SLURM, and the program was not started with srun: it runs as one process. Write srun "
                "before the command, or name the job 'interactive'.",
            )
        return used

    @staticmethod
    def job_name() -> str | None:
        """The job's name."""
        return os.environ.get("SLURM_JOB_NAME")

    @staticmethod
    def job_id() -> int | None:
        """The job's number; ``None`` outside of jobs and in interactive ones."""
        text = os.environ.get("SLURM_JOB_ID", "")
        return int(text) if text.isdigit() and SLURMEnvironment.job_name() not in INTERACTIVE else None

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        given = os.environ.get("MASTER_ADDR")
        return given or self.resolve_root_node_address(os.environ.get("SLURM_NODELIST", "127.0.0.1"))

    @property
    def main_port(self) -> int:
        given, job = os.environ.get("MASTER_PORT"), os.environ.get("SLURM_JOB_ID")
        if given is not None:
            return int(given)
        return 15000 + int(job[-4:]) if job is not None else 12910

    def world_size(self) -> int:
        return _number("SLURM_NTASKS")

    def global_rank(self) -> int:
        return _number("SLURM_PROCID")

    def local_rank(self) -> int:
        return _number("SLURM_LOCALID")

    def node_rank(self) -> int:
        return _number("SLURM_NODEID")

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        for keyword, value, variable, option in (
            ("devices", num_devices, "SLURM_NTASKS_PER_NODE", "--ntasks-per-node"),
            ("num_nodes", num_nodes, "SLURM_NNODES", "--nodes"),
        ):
            told = os.environ.get(variable)
            if told is not None and int(told) != value:
                raise ConfigurationError.about(
                    keyword,
                    value,
                    f"{told} with {option}={told}",
                    f"Write {keyword}={told}, or change the job.",
                )

    def resumes_from(self, folder: str) -> str | None:
        from leyden_environment_slurm.requeue import PREFIX, latest

        number = latest(folder)
        return os.path.join(folder, f"{PREFIX}{number}.ckpt") if number else None

    @staticmethod
    def resolve_root_node_address(nodes: str) -> str:
        """The first machine of a list as SLURM writes it.

        Args:
            nodes: names divided by commas or blanks, or ranges: ``"host[5-9,12]"`` begins with ``"host5"``.
        """
        first = re.split(r"[,\s](?![^\[]*\])", nodes.strip())[0]
        prefix, bracket, rest = first.partition("[")
        if not bracket:
            return first
        inside, _, suffix = rest.partition("]")
        return prefix + re.split(r"[-,]", inside)[0] + suffix


def _number(name: str) -> int:
    """An environment variable that srun sets.

    Raises:
        leyden.errors.ConfigurationError: it is not there.
    """
    try:
        return int(os.environ[name])
    except KeyError:
        raise ConfigurationError(
            f"SLURMEnvironment needs the variable {name}, which srun sets. Start the program with srun."
        ) from None
