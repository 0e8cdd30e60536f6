"""Processes that work together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from torch import Tensor
from torch.distributed import ReduceOp
from torch.utils.data import Dataset, DistributedSampler, Sampler

__all__ = ["DistributedSamplerWrapper", "ReduceOp", "is_shared_filesystem"]


def _distributed_is_initialized() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def is_shared_filesystem(strategy: Any, path: str | Path | None = None, timeout: int = 3) -> bool:
    """Whether every process sees the files of rank zero under a path.

    Args:
        strategy: the strategy of the processes.
        path: a folder; the working directory when ``None``.
        timeout: seconds to wait for a file to be seen.

    Raises:
        FileNotFoundError: the folder is missing.
    """
    import time

    folder = Path(path if path is not None else Path.cwd())
    if not folder.exists():
        raise FileNotFoundError(f"Unable to determine if the path belongs to a shared filesystem: {folder}")
    folder = folder.parent if folder.is_file() else folder
    if strategy.world_size == 1:
        return True
    mark = folder / f".leyden_shared_{strategy.broadcast(uuid.uuid4().hex)}"
    if strategy.is_global_zero:
        mark.touch()
    strategy.barrier("is_shared_filesystem")
    end = time.monotonic() + timeout
    while not (seen := mark.exists()) and time.monotonic() < end:
        time.sleep(0.05)
    found = bool(strategy.reduce_boolean_decision(seen, all=True))
    if strategy.is_global_zero:
        mark.unlink(missing_ok=True)
    return found


def _gather_all_tensors(result: Tensor, group: Any = None) -> list[Tensor]:
    """The tensor of every process, each in its own shape along the dimensions."""
    if not _distributed_is_initialized():
        return [result]
    world = torch.distributed.get_world_size(group)
    shape = torch.tensor(result.shape, device=result.device)
    shapes = [torch.zeros_like(shape) for _ in range(world)]
    torch.distributed.all_gather(shapes, shape, group=group)
    largest = torch.stack(shapes).max(dim=0).values.tolist()
    padded = result.new_zeros(largest)
    padded[tuple(slice(size) for size in result.shape)] = result.detach()
    gathered = [torch.zeros_like(padded) for _ in range(world)]
    torch.distributed.all_gather(gathered, padded.contiguous(), group=group)
    return [
        one[tuple(slice(size) for size in own.tolist())] for one, own in zip(gathered, shapes, strict=True)
    ]


def _sync_ddp_if_available(
    result: Tensor, group: Any = None, reduce_op: ReduceOp | str | None = None
) -> Tensor:
    """Reduce a tensor over the processes where there are several."""
    return _sync_ddp(result, group, reduce_op) if _distributed_is_initialized() else result


def _sync_ddp(result: Tensor, group: Any = None, reduce_op: ReduceOp | str | None = None) -> Tensor:
    average = isinstance(reduce_op, str) and reduce_op.lower() in ("avg", "mean")
    operation: Any = ReduceOp.SUM
    if isinstance(reduce_op, str) and not average:
        operation = getattr(ReduceOp, reduce_op.upper())
    elif reduce_op is not None and not isinstance(reduce_op, str):
        operation = reduce_op
    reduced = result.clone()
    torch.distributed.all_reduce(reduced, op=operation, group=group)
    return reduced / torch.distributed.get_world_size(group) if average else reduced


def _get_default_process_group_backend_for_device(device: torch.device) -> str:
    backends = torch.distributed.Backend.default_device_backend_map
    return backends.get(device.type, "gloo")


class _Indexed(Dataset[Any]):
    """The indices that a sampler draws, as a dataset."""

    def __init__(self, sampler: Sampler[Any] | Iterable[Any]) -> None:
        self._sampler = sampler
        self._indices: list[Any] = []
        self.reset()

    def reset(self) -> None:
        """Draw anew."""
        self._indices = list(self._sampler)

    def __getitem__(self, index: int) -> Any:
        return self._indices[index]

    def __len__(self) -> int:
        return len(self._indices)


class DistributedSamplerWrapper(DistributedSampler[Any]):
    """Gives each process its share of what another sampler draws.

    Args:
        sampler: the sampler.
        args: for ``DistributedSampler``.
        kwargs: the same.
    """

    def __init__(self, sampler: Sampler[Any] | Iterable[Any], *args: Any, **kwargs: Any) -> None:
        self._indexed = _Indexed(sampler)
        super().__init__(self._indexed, *args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        self._indexed.reset()
        return (self._indexed[index] for index in super().__iter__())
