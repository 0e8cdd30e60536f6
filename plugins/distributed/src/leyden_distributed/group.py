"""The process group: how processes find each other, and how they part."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore, PrefixStore, TCPStore

from leyden.interfaces.environment import ClusterEnvironment
from leyden_distributed.environment import interface_to
from leyden_distributed.failures import RendezvousError

SECOND = 1.0
MEETING = timedelta(minutes=2)
"""What processes have at least to find each other, however short the timeout of collectives: imports take time."""
CONNECTING = timedelta(seconds=30)
"""What gloo has to connect processes that are all there: where one could not, the others would wait for it."""


class Group:
    """This process's membership in torch's default process group.

    Attributes:
        store: what all processes read and write, without collectives.
        runs: how many runs have used the membership.
        sockets: connections opened while the group was made, by descriptor.
        port: the store's. Rank zero serves the others' connections to it, which outlive a failure: by them it is told.
    """

    def __init__(self, store: Any, rank: int, world_size: int, owned: bool) -> None:
        self.store, self.rank, self.world_size, self.owned = store, rank, world_size, owned
        self.runs = 0
        self.sockets: dict[int, str] = {}
        self.port: int | None = None
        self.process = os.getpid()

    @property
    def usable(self) -> bool:
        """Whether it is this process's, and still open."""
        here = self.process == os.getpid() and dist.is_initialized()
        return here and (self.owned or self.store is dist.distributed_c10d._get_default_store())

    def cut(self) -> None:
        """Close the connections to the others, so that nobody waits in a collective any longer."""
        for descriptor, link in self.sockets.items():
            if _link(descriptor) == link:
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as one:
                    listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                    if not listens and self.port not in _ports(one):
                        one.shutdown(socket.SHUT_RDWR)
        if dist.is_initialized() and dist.get_backend() == "nccl":
            abort = getattr(dist.distributed_c10d, "_abort_process_group", None)
            if abort is not None:
                abort()

    @contextlib.contextmanager
    def adopting(self) -> Iterator[None]:
        """What holds while further process groups are made: :meth:`cut` closes their connections, too."""
        before = _sockets()
        yield
        self.sockets.update({one: link for one, link in _sockets().items() if before.get(one) != link})

    def leave(self) -> None:
        """Give up the membership."""
        if self.owned and self.usable:
            dist.destroy_process_group()


class _Membership:
    """The process's memberships: torch has one default group a process, so there is one of this, too."""

    group: Group | None = None
    generation: int = 0
    store: Any = None
    store_key: Any = None


def current() -> Group | None:
    """The membership of this process, if there is a usable one."""
    found = _Membership.group
    return found if found is not None and found.usable else None


def join(
    environment: ClusterEnvironment,
    rank: int,
    world_size: int,
    backend: str,
    timeout: timedelta,
    device: torch.device,
    alive: Callable[[], None],
    patience: timedelta = MEETING,
) -> Group:
    """Become a member of the process group of all ranks; an earlier membership goes on.

    Args:
        environment: says where rank zero is, and how often to try.
        rank: of this process.
        world_size: how many processes there are.
        backend: torch's name of what transports tensors.
        timeout: how long a collective, and finding each other, may take.
        device: of this process.
        alive: called while waiting; raises when one of the processes will never come.
        patience: what processes have at least to find each other, however short ``timeout`` is.

    Raises:
        RendezvousError: the others did not come in time, or could not be connected with.
    """
    found = current()
    same = found is not None and (found.rank, found.world_size) == (rank, world_size)
    if found is not None and same and (dist.get_backend() == backend or not found.owned):
        return found
    if dist.is_initialized() and (found is None or not found.owned):
        _Membership.group = _somebody_elses()
        return _Membership.group
    leave()
    _name_interface(environment.main_address)
    meeting = max(timeout, patience)
    base = _store(environment, rank, world_size, meeting)
    _Membership.generation += 1
    for attempt in range(environment.rendezvous_attempts):
        store = PrefixStore(f"leyden/{_Membership.generation}.{attempt}", base)
        group, error = _attempt(store, rank, world_size, backend, timeout, meeting, device, alive)
        if error is None:
            group.port = environment.main_port if world_size > 1 else None
            _Membership.group = group
            return group
    raise RendezvousError(
        f"{world_size} processes could not be connected with each other in {environment.rendezvous_attempts} attempts: "
        f"{error}"
    ) from error


def _name_interface(host: str) -> None:
    """Let gloo use the interface that leads to rank zero: of its own, it takes what the machine's name stands for.

    That is the machine itself where ``/etc/hosts`` says so, as many systems do, and nobody else can connect with it.
    """
    name = interface_to(host) if "GLOO_SOCKET_IFNAME" not in os.environ else None
    if name is not None:
        os.environ["GLOO_SOCKET_IFNAME"] = name


def _somebody_elses() -> Group:
    """A group that was made before the Trainer: used, and left to its owner.

    Its connections are those whose other end another member has, too: members tell each other through the store.
    """
    store = dist.distributed_c10d._get_default_store()
    group = Group(store, dist.get_rank(), dist.get_world_size(), owned=False)
    if group.world_size > 1:
        mine = {one: ends for one in _sockets() if (ends := _ends(one)) is not None}
        group.port = _port(store)
        store.set(f"leyden/links/{group.rank}", json.dumps(list(mine.values())))
        others = [json.loads(store.get(f"leyden/links/{one}")) for one in range(group.world_size)]
        theirs = [ends for one, links in enumerate(others) if one != group.rank for ends in links]
        group.sockets = {one: _link(one) or "" for one, ends in mine.items() if ends[::-1] in theirs}
    return group


def _port(store: Any) -> int | None:
    """Where a store is served, if it is one that others connect with."""
    while isinstance(store, PrefixStore):
        store = store.underlying_store
    return store.port if isinstance(store, TCPStore) else None


def _ends(descriptor: int) -> list[list[Any]] | None:
    """This end of a connection and the other, as host and port; ``None`` for a socket that is none between hosts."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as one:
            ends = (one.getsockname(), one.getpeername())
    except OSError:
        return None
    return [list(end[:2]) for end in ends] if all(isinstance(end, tuple) for end in ends) else None


def _store(environment: ClusterEnvironment, rank: int, world_size: int, timeout: timedelta) -> Any:
    """The store of all processes: in memory for one, else the one that rank zero (or torchrun's agent) keeps."""
    if world_size == 1:
        return HashStore()
    host, port = environment.main_address, environment.main_port
    key = (os.getpid(), rank, world_size, host, port)
    if _Membership.store_key != key:
        os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = host, str(port)
        by_agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        try:
            store: Any = TCPStore(
                host,
                port,
                world_size,
                is_master=rank == 0 and not by_agent,
                timeout=timeout,
                wait_for_workers=False,
                multi_tenant=True,
            )
        except RuntimeError as error:
            raise RendezvousError(
                f"Rank {rank} of {world_size} found no rank zero at {host}:{port}: {error}"
            ) from error
        if by_agent:
            store = PrefixStore(f"attempt/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        _Membership.store, _Membership.store_key = store, key
    return _Membership.store


def _attempt(
    store: Any,
    rank: int,
    world_size: int,
    backend: str,
    timeout: timedelta,
    meeting: timedelta,
    device: torch.device,
    alive: Callable[[], None],
) -> tuple[Group, Exception | None]:
    """Try once; all ranks have the same result."""
    if not arrive(store, "here", world_size, meeting, alive):
        missing = world_size - int(store.add("here", 0))
        raise RendezvousError(
            f"{missing} of {world_size} processes did not come within {meeting.total_seconds():g} s. "
            "Start all of them, with the same number of devices and nodes; or raise the strategy's timeout."
        )
    before, error = _sockets(), None
    try:
        dist.init_process_group(
            backend,
            store=PrefixStore("group", store),
            rank=rank,
            world_size=world_size,
            timeout=CONNECTING if backend == "gloo" else timeout,
            device_id=device if backend == "nccl" else None,
        )
        if backend == "gloo":
            dist.distributed_c10d._set_pg_timeout(timeout)
    except RuntimeError as failure:
        error = failure
        store.set("failed", str(failure))
    group = Group(store, rank, world_size, owned=True)
    if not arrive(store, "joined", world_size, meeting, alive):
        error = error or RendezvousError("a process did not answer")
    if error is None and store.check(["failed"]):
        error = RendezvousError(store.get("failed").decode())
    if error is not None and dist.is_initialized():
        dist.destroy_process_group()
    if error is None:
        group.sockets = {one: link for one, link in _sockets().items() if before.get(one) != link}
    return group, error


def arrive(
    store: Any, point: str, world_size: int, timeout: timedelta | None, alive: Callable[[], None]
) -> bool:
    """Wait until so many processes have arrived at a point, without a collective.

    Args:
        store: of these processes.
        point: its name, used once.
        world_size: how many arrive.
        timeout: how long to wait; ``None`` for as long as it takes.
        alive: called every second; raises when waiting has become pointless.

    Returns:
        Whether all came in time.
    """
    if int(store.add(point, 1)) >= world_size:
        store.set(f"{point}/all", "1")
        return True
    until = None if timeout is None else time.monotonic() + timeout.total_seconds()
    pause, told = 0.0005, time.monotonic()
    while not store.check([f"{point}/all"]):
        now = time.monotonic()
        if now - told > SECOND:
            told = now
            alive()
        if until is not None and now > until:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True


def leave() -> None:
    """Give up the membership of this process, if it has one of its own making."""
    found = _Membership.group
    if found is not None and (found.owned or not found.usable):
        _Membership.group = None
        found.leave()


def forget() -> None:
    """Leave, and begin anew: where a process that served one run is used for another, among others than before.

    How often processes have met is part of how they find each other, and those others may be new.
    """
    leave()
    _Membership.generation, _Membership.store, _Membership.store_key = 0, None, None


atexit.register(leave)


def _ports(one: socket.socket) -> list[int]:
    """Of both ends of a connection."""
    return [end[1] for end in (one.getsockname(), one.getpeername()) if isinstance(end, tuple)]


def _link(descriptor: int) -> str | None:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


def _sockets() -> dict[int, str]:
    """The open sockets of this process, where the system lists them."""
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return {}
    found = {int(name): _link(int(name)) for name in names}
    return {one: link for one, link in found.items() if link is not None and link.startswith("socket:")}
