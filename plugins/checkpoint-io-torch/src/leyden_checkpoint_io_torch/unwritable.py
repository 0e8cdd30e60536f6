"""Which value of a checkpoint cannot be written."""

from __future__ import annotations

import pickle
from typing import Any

from torch import Tensor
from torch.storage import TypedStorage, UntypedStorage


class _Nowhere:
    """Takes bytes and forgets them."""

    def write(self, data: Any) -> int:
        return len(data)


class _Pickler(pickle.Pickler):
    """Leaves tensors out, which torch writes beside the pickle."""

    def persistent_id(self, obj: Any) -> str | None:
        return "tensor" if isinstance(obj, Tensor | TypedStorage | UntypedStorage) else None


def culprit(value: Any) -> tuple[str, str] | None:
    """The innermost value that cannot be pickled: text that leads there, and its type; ``None`` when all can."""
    if _writable(value):
        return None
    place, seen = "checkpoint", {id(value)}
    while True:
        inner = [one for one in _children(value) if id(one[1]) not in seen and not _writable(one[1])]
        if not inner:
            return place, f"{type(value).__module__}.{type(value).__qualname__}"
        label, value = inner[0]
        place += label
        seen.add(id(value))


def _writable(value: Any) -> bool:
    try:
        _Pickler(_Nowhere(), protocol=2).dump(value)
    except Exception:  # whatever user code in __reduce__ or __getstate__ raises
        return False
    return True


def _children(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"[{key!r}]", child) for key, child in value.items()]
    if isinstance(value, list | tuple):
        return [(f"[{index}]", child) for index, child in enumerate(value)]
    return [(f".{name}", child) for name, child in getattr(value, "__dict__", {}).items()]
