"""Processes that torch_xla starts, one for each device."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from leyden.errors import ConfigurationError
from leyden.kernel.state import TrainerStatus
from leyden_accelerator_xla.engine import engine
from leyden_distributed import RankFailureError
from leyden_distributed.environment import find_free_network_port
from leyden_distributed.launch import WorkerLauncher, carry_out, pickled, raise_failure

INTERRUPTED = "interrupted"
"""The file that says that a process was interrupted."""


class XLALauncher(WorkerLauncher):
    """Runs each call of the Trainer in processes of ``torch_xla.launch``, and gives rank zero's results back."""

    def place(self) -> dict[str, str]:
        """This machine and a free port; where there are several, the runtime knows."""
        if self.strategy.num_nodes > 1 or "MASTER_ADDR" in os.environ:
            return {}
        return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port())}

    def _run(self, function: Callable[[], Any], trainer: Any, folder: str) -> None:
        work = pickled(function, trainer, type(self.strategy).__name__)
        arguments = (work, len(self.strategy.devices), folder)
        crash = None
        try:
            engine().launch(_work, args=arguments, start_method=self.start_method)
        except BrokenProcessPool as error:
            crash = error
        raise_failure(dict.fromkeys(_told(folder), 1), folder, trainer)
        if crash is not None and os.path.exists(os.path.join(folder, INTERRUPTED)):
            # The others could not be called back from a collective of XLA, and ended themselves.
            trainer.run_state.status = TrainerStatus.INTERRUPTED
        elif crash is not None:
            raise RankFailureError(
                "A process that torch_xla had started is gone without a word (killed, out of memory, or crashed). "
                "Its own output may say why."
            ) from crash


def _told(folder: str) -> list[int]:
    """The ranks that left an exception."""
    return [
        int(name[6:])
        for name in sorted(os.listdir(folder))
        if name.startswith("error-") and name[6:].isdigit()
    ]


def _work(index: int, work: bytes, devices: int, folder: str) -> None:
    """What each process does.

    Args:
        index: its number among all.
        work: the call.
        devices: how many devices of each machine the Trainer was given.
        folder: where the results go.
    """
    local_rank = int(engine("torch_xla.runtime").local_ordinal())
    trainers: list[Any] = []

    def prepare(trainer: Any) -> None:
        trainers.append(trainer)
        _begin(trainer)

    carry_out(work, index, local_rank, devices, folder, prepare)
    if any(one.interrupted for one in trainers):
        with open(os.path.join(folder, INTERRUPTED), "wb"):
            pass


def _begin(trainer: Any) -> None:
    """Take ranks from the runtime, which must have started as many processes as the Trainer was made for.

    Raises:
        leyden.errors.ConfigurationError: it has not, or a process has several devices.
    """
    strategy = trainer.strategy
    strategy.environment.begin()
    runtime, wanted = engine("torch_xla.runtime"), len(strategy.devices) * strategy.num_nodes
    if runtime.addressable_device_count() > 1:
        raise ConfigurationError(
            f"{type(strategy).__name__} needs a process for each device, and here (TPU v2 and v3) torch_xla gives a "
            f"process {runtime.addressable_device_count()}. Use one device with strategy='single_xla'."
        )
    if strategy.world_size != wanted:
        raise ConfigurationError(
            f"devices={len(strategy.devices)} with num_nodes={strategy.num_nodes} means {wanted} processes, and the "
            f"runtime has {strategy.world_size} devices: write devices='auto', and num_nodes as there are machines."
        )
