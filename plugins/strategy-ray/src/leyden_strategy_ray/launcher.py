"""Workers of a Ray cluster that run one call of the Trainer."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from leyden.errors import ConfigurationError
from leyden_distributed.environment import find_free_network_port
from leyden_distributed.group import forget
from leyden_distributed.launch import Launcher, carry_out, pickled, raise_failure, restored
from leyden_strategy_ray.environment import Place, RayEnvironment

GRACE = 20.0
"""Seconds that workers have to end after one of them failed."""
FORWARDED = ("LEYDEN_", "PL_")
"""Beginnings of the variables that say the same in the workers as here."""


@dataclass(frozen=True)
class Left:
    """What a worker leaves: files of :func:`carry_out`, by name."""

    files: dict[str, bytes]


class RayLauncher(Launcher):
    """Runs each call of the Trainer as tasks of Ray, one a device, and gives rank zero's results back.

    Afterwards the Trainer and the module in the calling process are as rank zero's were: weights, counters, metrics,
    states of callbacks. Optimizers and predictions do not come back.
    """

    def launch(self, function: Callable[[], Any], trainer: Any) -> Any:
        if self.strategy.environment.creates_processes_externally:
            return function()
        import ray
        from ray import cloudpickle
        from ray.exceptions import RayError

        if not ray.is_initialized():
            ray.init(**self.strategy.init_kwargs)
        work = ray.put(pickled(function, trainer, "RayStrategy", cloudpickle.dumps))
        with self._placed() as group:
            places = self._places(group)
            tasks = {
                place.rank: self._task(carried_out, group, bundle, work, place) for bundle, place in places
            }
            codes: dict[int, int | str] = {}
            with tempfile.TemporaryDirectory(prefix="leyden-") as folder:
                _wait(list(tasks.values()))
                for rank, task in tasks.items():
                    try:
                        _put_down(ray.get(task, timeout=GRACE), folder)
                    except RayError as error:
                        codes[rank] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
                raise_failure({rank: codes.get(rank, 0) for rank in tasks}, folder, trainer)
                return restored(trainer, folder)

    @contextlib.contextmanager
    def _placed(self) -> Iterator[Any]:
        """The resources of all workers, set aside until the call is over.

        Raises:
            leyden.errors.ConfigurationError: the cluster will not have them.
        """
        import ray
        from ray.util.placement_group import placement_group, remove_placement_group

        strategy, bundle = self.strategy, self._resources()
        count = len(strategy.devices) * strategy.num_nodes
        group = placement_group([bundle] * count, strategy=strategy.placement)
        try:
            if not group.wait(strategy.placement_timeout):
                raise ConfigurationError(
                    f"devices={len(strategy.devices)} with num_nodes={strategy.num_nodes} needs {count} workers with "
                    f"{bundle} each, and Ray did not find them within {strategy.placement_timeout:g} s; of the "
                    f"cluster's {_shown(ray.cluster_resources())}, {_shown(ray.available_resources())} are free. "
                    "Ask for fewer, or add machines."
                )
            yield group
        finally:
            remove_placement_group(group)

    def _resources(self) -> dict[str, float]:
        """What one worker needs, by Ray's names."""
        strategy = self.strategy
        needed = {"CPU": strategy.num_cpus_per_worker, **strategy.resources_per_worker}
        if strategy.devices[0].type == "cuda":
            needed.setdefault("GPU", 1)
        return {name: amount for name, amount in needed.items() if amount}

    def _places(self, group: Any) -> list[tuple[int, Place]]:
        """Each bundle of the resources with the place of its worker; workers of a machine have ranks in a row."""
        import ray
        from ray.util.placement_group import placement_group_table

        nodes: dict[int, str] = placement_group_table(group)["bundles_to_node_id"]
        machines = list(dict.fromkeys(nodes[bundle] for bundle in sorted(nodes)))
        order = sorted(nodes, key=lambda bundle: (machines.index(nodes[bundle]), bundle))
        addresses = {one["NodeID"]: one["NodeManagerAddress"] for one in ray.nodes()}
        port = ray.get(self._task(free_port, group, order[0]))
        seen: dict[str, int] = {}
        places = []
        for rank, bundle in enumerate(order):
            node = nodes[bundle]
            local = seen[node] = seen.get(node, -1) + 1
            size = list(nodes.values()).count(node)
            place = Place(rank, local, machines.index(node), len(order), size, addresses[machines[0]], port)
            places.append((bundle, place))
        return places

    def _task(self, function: Callable[..., Any], group: Any, bundle: int, *arguments: Any) -> Any:
        """Start a function with the resources of a bundle."""
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        needed = self._resources()
        options: dict[str, Any] = {
            "num_cpus": needed.pop("CPU", 0),
            "num_gpus": needed.pop("GPU", 0),
            "resources": needed,
            "max_retries": 0,
            "scheduling_strategy": PlacementGroupSchedulingStrategy(
                group, placement_group_bundle_index=bundle
            ),
        }
        if function is carried_out:
            arguments = (*arguments, _variables())
        return ray.remote(**options)(function).remote(*arguments)


def free_port() -> int:
    """A port of the worker's machine that nobody listens on."""
    return find_free_network_port()


def carried_out(work: bytes, place: Place, variables: Mapping[str, str]) -> Left:
    """What each worker does: the Trainer's call, in its place.

    Args:
        work: the call.
        place: of this worker.
        variables: of the calling process, which say what may run.
    """
    told = {**variables, "LOCAL_RANK": str(place.local_rank), "MASTER_ADDR": place.address}
    with (
        tempfile.TemporaryDirectory(prefix="leyden-") as folder,
        _set({**told, "MASTER_PORT": str(place.port)}),
    ):
        prepare = partial(_take, place)
        carry_out(work, place.rank, place.local_rank, place.local_size, folder, prepare)
        forget()  # Ray uses the process again
        files = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                files[name] = file.read()
        return Left(
            files if place.rank == 0 else {name: one for name, one in files.items() if name != "result"}
        )


def _take(place: Place, trainer: Any) -> None:
    trainer.strategy.environment = RayEnvironment(place)


@contextlib.contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and give them and those that are forwarded back, as Ray uses a process again."""
    before: dict[str, str | None] = {**_variables(), **{name: os.environ.get(name) for name in variables}}
    threads = torch.get_num_threads()
    os.environ.update(variables)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        for name in before.keys() | _variables().keys():  # also a seed that the run has set
            value = before.get(name)
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(FORWARDED)}


def _put_down(left: Left, folder: str) -> None:
    for name, content in left.files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def _wait(tasks: list[Any]) -> None:
    """Wait for all; when one fails, for the others a little longer; Ctrl-C is handed on."""
    import ray

    until: float | None = None
    left = tasks
    try:
        while left and (until is None or time.monotonic() < until):
            done, left = ray.wait(left, num_returns=len(left), timeout=0.5)
            if until is None and any(_failed(one) for one in done):
                until = time.monotonic() + GRACE
    except KeyboardInterrupt:
        for one in left:
            ray.cancel(one)
        ray.wait(tasks, num_returns=len(tasks), timeout=GRACE)
        raise
    finally:
        for one in left:
            ray.cancel(one, force=True)


def _failed(task: Any) -> bool:
    """Whether a task that is done ended badly."""
    import ray
    from ray.exceptions import RayError

    try:
        return any(name.startswith("error-") for name in ray.get(task).files)
    except RayError:
        return True


def _shown(resources: Mapping[str, float]) -> dict[str, float]:
    """The resources that users name."""
    return {
        name: amount for name, amount in sorted(resources.items()) if ":" not in name and "memory" not in name
    }
