"""The base of strategies in which several processes take part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor

from leyden.api.rank_zero import set_rank
from leyden.api.rng import seed_everything
from leyden.errors import ArgumentTypeError, ConfigurationError, DetachedError
from leyden.interfaces import Accelerator, CheckpointIO, ClusterEnvironment, Precision, Strategy
from leyden.plugins.errors import did_you_mean, listed
from leyden_distributed import group as groups
from leyden_distributed.collectives import all_gather, broadcast, reduce
from leyden_distributed.environment import LightningEnvironment
from leyden_distributed.failures import Interrupted
from leyden_distributed.launch import Launcher, ScriptLauncher, WorkerLauncher, limit_threads
from leyden_distributed.sampling import shard
from leyden_distributed.watch import Watch

START_METHODS = ("popen", "spawn", "fork", "forkserver")
DEFAULT_TIMEOUT = timedelta(minutes=30)
REUNION = timedelta(seconds=10)
"""How long processes that were interrupted wait for each other."""
BACKENDS = {"cuda": "nccl", "cpu": "gloo", "xpu": "xccl"}


class ParallelStrategy(Strategy):
    """Several processes, each with a device of its own, in one process group of torch.

    It launches processes where the environment does not, brings them together, offers collectives, shares loaders, and
    ends all processes when one fails. Subclasses say how the module is placed and trained.

    Args:
        accelerator: the hardware; then the Trainer must not be given another.
        parallel_devices: the devices of this machine; by default those of the Trainer.
        cluster_environment: where ranks come from; by default the one that finds itself.
        checkpoint_io: what writes checkpoints.
        precision_plugin: the number format.
        process_group_backend: torch's name of what transports tensors; by default nccl on CUDA, gloo on the CPU.
        timeout: how long a collective may take.
        start_method: ``"popen"`` runs the program again for each further process; ``"spawn"``, ``"fork"`` and
            ``"forkserver"`` run the Trainer's call in worker processes.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible.
    """

    uses_environment: ClassVar[bool] = True

    def __init__(
        self,
        accelerator: Accelerator | None = None,
        parallel_devices: list[torch.device] | None = None,
        cluster_environment: ClusterEnvironment | None = None,
        checkpoint_io: CheckpointIO | None = None,
        precision_plugin: Precision | None = None,
        process_group_backend: str | None = None,
        timeout: timedelta | None = DEFAULT_TIMEOUT,
        start_method: str = "popen",
    ) -> None:
        super().__init__()
        self.accelerator, self.checkpoint_io = accelerator, checkpoint_io
        if precision_plugin is not None:
            self.precision = precision_plugin
        self.environment = cluster_environment
        self.devices = list(parallel_devices or ())
        self._own_devices = bool(self.devices)
        self._process_group_backend = process_group_backend
        self.timeout = _timeout(timeout)
        self.start_method = _start_method(start_method)
        self.alone = self.joined = self._interrupted = False
        self._launcher: Launcher | None = None
        self._watch: Watch | None = None
        self._group: groups.Group | None = None
        self._state: Any = None

    # -- places ----------------------------------------------------------------------------------------------------

    def connect(
        self,
        *,
        accelerator: Accelerator,
        devices: list[torch.device],
        num_nodes: int,
        precision: Precision,
        checkpoint_io: CheckpointIO | None,
    ) -> None:
        """Take the other components of the run.

        Raises:
            leyden.errors.ConfigurationError: the devices do not fit what the environment started, or processes
                cannot be started so here.
        """
        super().connect(
            accelerator=accelerator,
            devices=self.devices if self._own_devices else devices,
            num_nodes=num_nodes,
            precision=precision,
            checkpoint_io=checkpoint_io,
        )
        if any(one.type == "mps" for one in self.devices):
            remedy = "torch has no collectives between processes on MPS."
            name = type(self).__name__
            raise ConfigurationError.about("strategy", name, "'auto' or 'single_device' on MPS", remedy)
        if self.environment is None:
            self.environment = LightningEnvironment()
        self.environment.validate_settings(len(self.devices), num_nodes)
        if not self.launches_workers:
            ScriptLauncher.check(self)
        self._take_rank()

    def _take_rank(self) -> None:
        environment = self._where
        environment.set_world_size(self.num_nodes * len(self.devices))
        environment.set_global_rank(environment.node_rank() * len(self.devices) + environment.local_rank())
        set_rank(environment.global_rank())

    @property
    def _where(self) -> ClusterEnvironment:
        if self.environment is None:
            raise DetachedError(f"{type(self).__name__} has no ranks: no Trainer was made with it yet.")
        return self.environment

    @property
    def cluster_environment(self) -> ClusterEnvironment | None:
        """Where ranks come from."""
        return self.environment

    @property
    def parallel_devices(self) -> list[torch.device]:
        """The devices of this machine."""
        return self.devices

    @property
    def num_processes(self) -> int:
        """Processes on this machine."""
        return len(self.devices)

    @property
    def root_device(self) -> torch.device:
        if not self.devices:
            raise DetachedError(f"{type(self).__name__} has no devices: no Trainer was made with it yet.")
        return self.devices[min(self.local_rank, len(self.devices) - 1)]

    @property
    def world_size(self) -> int:
        return self.environment.world_size() if self.environment is not None else 1

    @property
    def global_rank(self) -> int:
        return self.environment.global_rank() if self.environment is not None else 0

    @property
    def local_rank(self) -> int:
        return self.environment.local_rank() if self.environment is not None else 0

    @property
    def node_rank(self) -> int:
        return self.environment.node_rank() if self.environment is not None else 0

    @property
    def distributed_sampler_kwargs(self) -> dict[str, int]:
        """What a ``DistributedSampler`` of the user's own needs."""
        return {"num_replicas": self.world_size, "rank": self.global_rank}

    @property
    def process_group_backend(self) -> str:
        """torch's name of what transports tensors."""
        return self._process_group_backend or BACKENDS.get(self.root_device.type, "gloo")

    # -- processes -------------------------------------------------------------------------------------------------

    @property
    def launches_workers(self) -> bool:
        return self.start_method != "popen"

    @property
    def launcher(self) -> Launcher:
        """What starts the processes."""
        if self._launcher is None:
            self._launcher = (
                WorkerLauncher(self, self.start_method) if self.launches_workers else ScriptLauncher(self)
            )
        return self._launcher

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        self._state, self.joined = trainer.run_state, False
        return self.launcher.launch(function, trainer)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # The run's state goes along: it is the Trainer's, which is pickled with this.
        state.update(_launcher=None, _watch=None, _group=None, module=None, model=None, optimizers=[])
        return state

    def setup_environment(self) -> None:
        self._take_rank()
        super().setup_environment()
        if "PL_GLOBAL_SEED" in os.environ:
            # All processes draw alike from here on, however far each had drawn before.
            workers = os.environ.get("PL_SEED_WORKERS") == "1"
            seed_everything(int(os.environ["PL_GLOBAL_SEED"]), workers=workers, verbose=False)
        limit_threads(len(self.devices))
        self._group = groups.join(
            self._where,
            self.global_rank,
            self.world_size,
            self.process_group_backend,
            self.timeout,
            self.root_device,
            self._children_alive,
        )
        self._group.runs += 1
        self.alone, self.joined, self._interrupted = False, True, False
        if self.world_size > 1 and self._state is not None:
            self._watch = Watch(self._group, self._state, self._dead_children, self.timeout)
            self._watch.start()

    @contextmanager
    def making_groups(self) -> Iterator[None]:
        """What must hold while a subclass makes process groups, so that a failure ends waiting in them as well."""
        with self._group.adopting() if self._group is not None else nullcontext():
            yield

    def meets_again(self) -> bool:
        """After Ctrl-C, whether all processes have come together once more, on CPUs, to part with what they hold.

        Each calls it in its teardown. Where one does not come within seconds, the answer is no, in all.
        """
        if not self._interrupted or self._group is None or not self._group.owned:
            return False
        groups.leave()
        try:
            self._group = groups.join(
                self._where, self.global_rank, self.world_size, "gloo", REUNION, torch.device("cpu"),
                self._children_alive, REUNION,
            )  # fmt: skip
        except (RuntimeError, OSError):
            return False
        return True

    def _dead_children(self) -> dict[int, int]:
        return self._launcher.dead() if self._launcher is not None else {}

    def _children_alive(self) -> None:
        if self._launcher is not None:
            self._launcher.check_alive()

    # -- failures --------------------------------------------------------------------------------------------------

    @contextmanager
    def guard(self, session: Any) -> Iterator[None]:
        """End all processes when one fails.

        This one's exception is told to the others, who raise :class:`~leyden_distributed.RankFailureError` with its
        text and traceback. Theirs is raised here. From then on, collectives of this strategy answer locally.
        """
        try:
            yield
        except BaseException as error:
            watch = self._watch
            if watch is None or self.alone:
                raise
            instead = watch.explain(error)
            self.alone = True
            self._interrupted = isinstance(instead or error, KeyboardInterrupt)
            watch.report(instead or error)
            if instead is None:
                raise
            raise instead from (None if isinstance(error, Interrupted) else error)

    def agree(self, point: str, batches: int | None = None) -> None:
        if self._watch is not None and not self.alone:
            self._watch.meet(point, batches)

    def no_backward(self) -> None:
        if self._watch is not None and not self.alone:
            self._watch.skip()

    def ready(self, name: str, update: int) -> bool:
        return self._watch is None or self.alone or self._watch.ready(name, update)

    def teardown(self) -> None:
        watch, self._watch = self._watch, None
        group, self._group = self._group, None
        if watch is not None:
            watch.close(together=not self.alone)
        if group is not None and (self.alone or group.world_size == 1):
            groups.leave()
        super().teardown()

    # -- collectives -----------------------------------------------------------------------------------------------

    @property
    def _connected(self) -> bool:
        return self._group is not None and self.world_size > 1 and not self.alone

    @contextmanager
    def collective(self, name: str) -> Iterator[None]:
        """What holds around a collective: the watching thread knows that this process is in it."""
        watch = self._watch
        if watch is None:
            yield
            return
        watch.since, watch.collective = time.monotonic(), name
        try:
            yield
        finally:
            watch.collective = None

    def reduce(self, tensor: Any, group: Any = None, reduce_op: str | None = "mean") -> Any:
        if not self._connected or not isinstance(tensor, Tensor):
            return tensor
        with self.collective("reduce"):
            return reduce(tensor, group, reduce_op, self.root_device)

    def all_gather(self, tensor: Tensor, group: Any = None, sync_grads: bool = False) -> Tensor:
        if not self._connected:
            return tensor
        with self.collective("all_gather"):
            return all_gather(tensor.to(self.root_device), group, sync_grads)

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        if not self._connected:
            return obj
        with self.collective("broadcast"):
            return broadcast(obj, src, self.root_device)

    def gather_object(self, obj: Any) -> list[Any] | None:
        if not self._connected:
            return [obj] if self.is_global_zero else None
        found: list[Any] | None = [None] * self.world_size if self.is_global_zero else None
        with self.collective("gather_object"):
            dist.gather_object(obj, found, dst=0)
        return found

    def barrier(self, name: str | None = None) -> None:
        if self._connected:
            with self.collective(f"barrier {name}" if name else "barrier"):
                ids = [self.root_device.index] if dist.get_backend() == "nccl" else None
                dist.barrier(device_ids=ids)

    def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:
        votes = self.reduce(torch.tensor(int(decision), device=self.root_device), reduce_op="sum")
        if not self._connected:
            return bool(decision)
        return int(votes) == self.world_size if all else int(votes) > 0

    # -- data ------------------------------------------------------------------------------------------------------

    def shard(self, loader: Any, *, training: bool) -> Any:
        own, seed = self.distributed_sampler_kwargs, self._seed()
        return shard(loader, own["rank"], own["num_replicas"], training=training, seed=seed)

    def _seed(self) -> int:
        """Rank zero's, because processes may have been seeded differently."""
        seed = os.environ.get("PL_GLOBAL_SEED", "0")
        if self._watch is not None and not self.alone:
            with self.collective("the sharing of a loader"):
                seed = self._watch.rank_zeros("seed", seed)
        return int(seed)


def _timeout(given: Any) -> timedelta:
    if given is None:
        return DEFAULT_TIMEOUT
    if not isinstance(given, timedelta):
        raise ArgumentTypeError.about(
            "timeout", given, "a datetime.timedelta", "Write timedelta(minutes=30)."
        )
    if given <= timedelta(0):
        raise ConfigurationError.about("timeout", given, "a datetime.timedelta of more than 0 seconds")
    return given


def _start_method(given: Any) -> str:
    if not isinstance(given, str) or given not in START_METHODS:
        remedy = did_you_mean(given, START_METHODS) if isinstance(given, str) else ""
        raise ConfigurationError.about("start_method", given, listed(START_METHODS), remedy)
    available = torch.multiprocessing.get_all_start_methods()
    if given != "popen" and given not in available:
        raise ConfigurationError.about(
            "start_method", given, listed(["popen", *available]), "This system cannot start processes so."
        )
    return given
