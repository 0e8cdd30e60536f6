"""Random generators that objects hold in their attributes."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from typing import Any

import torch

DEEPEST, MOST = 4, 2000
_LEAVES = (torch.Tensor, torch.nn.Module, str, bytes, int, float, complex, type, type(None))


def find(**roots: Any) -> dict[str, Any]:
    """Generators of torch, NumPy and Python within the attributes of objects: ``{"dataset.rng": generator}``.

    Args:
        roots: where to begin. Attributes, and the items of short lists and dicts, are followed four levels deep.
    """
    waiting = [(name, one, 0) for name, one in roots.items()]
    found: dict[str, Any] = {}
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        path, value, depth = waiting.pop(0)
        if id(value) in seen or isinstance(value, _LEAVES):
            continue
        seen.add(id(value))
        if _is_generator(value):
            found[path] = value
        elif depth < DEEPEST:
            waiting += [(f"{path}.{name}", inner, depth + 1) for name, inner in _inside(value)]
    return found


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        yield from ((str(index), one) for index, one in enumerate(value[:64]))
    elif isinstance(value, dict):
        yield from ((str(key), one) for key, one in list(value.items())[:64])
    elif type(value).__module__.partition(".")[0] != "builtins":
        yield from getattr(value, "__dict__", {}).items()


def _numpy() -> tuple[type, ...]:
    if "numpy" not in sys.modules:
        return ()
    module = sys.modules["numpy"].random
    return (module.Generator, module.RandomState)


def _is_generator(value: Any) -> bool:
    return isinstance(value, (torch.Generator, random.Random, *_numpy()))


def get(generator: Any) -> Any:
    """The state of a generator as plain data."""
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        version, internal, gauss = generator.getstate()
        return [version, list(internal), gauss]
    if hasattr(generator, "bit_generator"):
        return _plain(generator.bit_generator.state)
    return _plain(generator.get_state(legacy=False))


def put(generator: Any, state: Any) -> None:
    """Give a generator the state that :func:`get` took."""
    if isinstance(generator, torch.Generator):
        generator.set_state(state)
    elif isinstance(generator, random.Random):
        version, internal, gauss = state
        generator.setstate((version, tuple(internal), gauss))
    elif hasattr(generator, "bit_generator"):
        generator.bit_generator.state = _arrays(state)
    else:
        generator.set_state(_arrays(state))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):
        return {"array": value.tolist(), "dtype": str(value.dtype)} if value.shape else value.item()
    return value


def _arrays(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"array", "dtype"}:
        return sys.modules["numpy"].array(value["array"], dtype=value["dtype"])
    return {key: _arrays(one) for key, one in value.items()} if isinstance(value, dict) else value
