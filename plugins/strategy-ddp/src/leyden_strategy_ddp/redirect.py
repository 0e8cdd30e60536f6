"""Running a step method through ``DistributedDataParallel``, whose own entrance is ``forward``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def through_wrapper(
    wrapper: DistributedDataParallel, module: nn.Module, step: Callable[..., Any]
) -> Callable[..., Any]:
    """A callable that calls the wrapper, which calls the step instead of the module's ``forward``.

    Inside the step, ``forward`` is the module's own again.
    """
    own = vars(module)
    missing = object()

    def call(*args: Any, **kwargs: Any) -> Any:
        before = own.get("forward", missing)

        def restore() -> None:
            if before is missing:
                own.pop("forward", None)
            else:
                own["forward"] = before

        def forward(*inputs: Any, **keywords: Any) -> Any:
            restore()
            return step(*inputs, **keywords)

        own["forward"] = forward
        try:
            return wrapper(*args, **kwargs)
        finally:
            if own.get("forward", missing) is forward:
                restore()

    return call


def manual_step(
    wrapper: DistributedDataParallel, module: nn.Module, step: Callable[..., Any]
) -> Callable[..., Any]:
    """The same for manual optimization, where the step calls backward itself, each time after :func:`prepare_backward`.

    So that the wrapper does not expect another backward afterwards, its averaging is off when the step is over.
    """

    def once(*args: Any, **kwargs: Any) -> Any:
        result = step(*args, **kwargs)
        wrapper.require_backward_grad_sync = False
        return result

    redirected = through_wrapper(wrapper, module, once)

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return redirected(*args, **kwargs)
        finally:
            wrapper.require_backward_grad_sync = True

    return call


def prepare_backward(wrapper: DistributedDataParallel, loss: Tensor) -> None:
    """What the wrapper's forward does at its end: expect the gradients of one backward."""
    if torch.is_grad_enabled() and wrapper.require_backward_grad_sync:
        wrapper.require_forward_param_sync = True
        reducer = wrapper.reducer
        reducer._rebuild_buckets()
        looked_for = wrapper.find_unused_parameters and not wrapper.static_graph
        reducer.prepare_for_backward(list(tensors(loss)) if looked_for else [])
    else:
        wrapper.require_forward_param_sync = False


def tensors(data: Any) -> Iterator[Tensor]:
    """The tensors in nested containers."""
    if isinstance(data, Tensor):
        yield data
    elif isinstance(data, Mapping):
        for one in data.values():
            yield from tensors(one)
    elif isinstance(data, list | tuple):
        for one in data:
            yield from tensors(one)
