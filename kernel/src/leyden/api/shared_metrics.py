"""What was logged with ``sync_dist=True``, reduced over all processes in one collective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

import torch
from torch import Tensor

from leyden.errors import UserCodeError

if TYPE_CHECKING:
    from leyden.interfaces.strategy import Strategy

SLOTS = 128
"""Numbers that every process sends: how many metrics it has, a checksum of their names, and each's value and weight."""

Parts = dict[str, tuple[str, Tensor, float]]
"""By name: how it is reduced, the value (for a mean the weighted sum), and the weight."""


def shared(strategy: Strategy, parts: Parts, group: Any = None) -> dict[str, Tensor]:
    """Reduce metrics over all processes.

    Names need not agree: a metric that only some processes have is reduced over those, with two more collectives.

    Args:
        strategy: whose processes.
        parts: this process's metrics.
        group: a process group, instead of all processes.

    Returns:
        The reduced values of this process's metrics, each in its own dtype, on its own device.

    Raises:
        leyden.errors.UserCodeError: the processes of a group of the user's own have different names.
    """
    names = sorted(parts)
    rows = _exchanged(strategy, names, parts, group)
    if rows is None:
        if group is not None:
            raise UserCodeError(
                "self.log(sync_dist_group=…): the processes of the group have not logged the same names; here: "
                f"{names}."
            )
        found = _uneven(strategy, parts)
    else:
        found = {
            name: _reduced(parts[name][0], rows[:, 2 * i], rows[:, 2 * i + 1]) for i, name in enumerate(names)
        }
    return {name: found[name].to(dtype=parts[name][1].dtype, device=parts[name][1].device) for name in names}


def _exchanged(strategy: Strategy, names: Sequence[str], parts: Parts, group: Any) -> Tensor | None:
    """Values and weights of all processes, a row each; ``None`` where their names differ."""
    device = strategy.root_device
    numbers = [
        torch.tensor([len(names), crc32("\n".join(names).encode())], dtype=torch.float64, device=device)
    ]
    for name in names:
        _, value, weight = parts[name]
        own = value.detach().to(device=device, dtype=torch.float64).reshape(1)
        numbers += [own, torch.tensor([weight], dtype=torch.float64, device=device)]
    flat = torch.cat(numbers)
    first = torch.zeros(SLOTS, dtype=torch.float64, device=device)
    first[: min(SLOTS, len(flat))] = flat[:SLOTS]
    rows = strategy.all_gather(first, group=group).reshape(-1, SLOTS)
    heads = rows[:, :2].tolist()
    if any(head != heads[0] for head in heads):
        return None
    if len(flat) > SLOTS:
        rest = flat[SLOTS:]
        rows = torch.cat([rows, strategy.all_gather(rest, group=group).reshape(-1, len(rest))], dim=1)
    return rows[:, 2:]


def _uneven(strategy: Strategy, parts: Parts) -> dict[str, Tensor]:
    mine = {name: (kind, float(value), weight) for name, (kind, value, weight) in parts.items()}
    everybody: list[Mapping[str, tuple[str, float, float]]] | None = strategy.gather_object(mine)
    merged: dict[str, float] = {}
    for name in {one for each in everybody or () for one in each}:
        ones = [each[name] for each in everybody or () if name in each]
        columns = (torch.tensor([one[i] for one in ones], dtype=torch.float64) for i in (1, 2))
        merged[name] = float(_reduced(ones[0][0], *columns))
    merged = strategy.broadcast(merged)
    return {name: torch.tensor(merged[name], dtype=torch.float64) for name in parts}


def _reduced(kind: str, values: Tensor, weights: Tensor) -> Tensor:
    if kind == "mean":
        return values.sum() / weights.sum()
    if kind == "sum":
        return values.sum()
    return values.amax() if kind == "max" else values.amin()
