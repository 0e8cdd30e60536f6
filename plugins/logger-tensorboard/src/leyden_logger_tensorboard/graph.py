"""The module's graph."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leyden.api.warn import warn
from leyden.errors import UserCodeError

REMEDY = "Set log_graph=False, or make the module traceable by torch.jit.trace."


def draw(writer: Any, model: Any, sample: Any) -> bool:
    """Trace a module and write its graph; module, modes and random generators stay as they are.

    Args:
        writer: the ``SummaryWriter``.
        model: the module.
        sample: an input, a tensor or a tuple of positional arguments; the module's ``example_input_array``
            when ``None``. Without one a warning is given. It goes through the module's transfer hooks, as a batch does.

    Returns:
        Whether a graph was written.

    Raises:
        leyden.errors.UserCodeError: the module cannot be traced; the cause is chained.
    """
    from torch import Tensor

    sample = getattr(model, "example_input_array", None) if sample is None else sample
    if not isinstance(sample, Tensor | tuple):
        found = "none is set" if sample is None else f"it is a {type(sample).__name__}"
        warn(
            "tensorboard-graph",
            f"log_graph=True needs example_input_array to be a tensor or a tuple of arguments, and {found}: "
            f"no graph is written. Set self.example_input_array in {type(model).__name__}.__init__.",
        )
        return False
    with _undisturbed(model):
        try:
            writer.add_graph(model, _transferred(model, sample))
        except Exception as error:
            text = f"log_graph=True: {type(model).__name__} cannot be traced"
            raise UserCodeError(f"{text} ({type(error).__name__}: {error}). {REMEDY}") from error
    return True


def _transferred(model: Any, sample: Any) -> Any:
    from leyden.api.transfer import move_to_device

    device = next((one.device for one in model.parameters()), None)
    if not hasattr(model, "on_after_batch_transfer"):
        return sample if device is None else move_to_device(sample, device)
    sample = model.on_before_batch_transfer(sample, 0)
    sample = sample if device is None else model.transfer_batch_to_device(sample, device, 0)
    return model.on_after_batch_transfer(sample, 0)


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    import torch

    from leyden.api.rng import isolate_rng

    # Tracing switches the whole module to evaluation and then back to one mode for all of its parts.
    modes = [(one, one.training) for one in model.modules()]
    with isolate_rng(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for one, training in modes:
                one.training = training
