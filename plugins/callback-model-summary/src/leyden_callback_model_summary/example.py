"""Passing the example input through a module, to see sizes and FLOPs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from leyden.api.rng import isolate_rng
from leyden.api.transfer import move_to_device

Flops = dict[str, dict[Any, int]]


def run_example(module: nn.Module, depth: int) -> Flops:
    """Call a module with its ``example_input_array``, in evaluation mode and without gradients.

    A sequence is passed as positional arguments, a dict as keyword arguments. Modes, gradients, random generators
    and compiled code are as before.

    Args:
        module: the module.
        depth: down to which depth FLOPs are told apart; the module itself has depth 1.

    Returns:
        FLOPs of each operator by the submodule's name; ``""`` is the module itself.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False, depth=depth)
    with ExitStack() as stack:
        for context in (
            isolate_rng(),
            _evaluating(module),
            torch.no_grad(),
            _uncompiled(),
            _precision(module),
        ):
            stack.enter_context(context)
        given = _transferred(module)
        stack.enter_context(warnings.catch_warnings())
        # torch warns that counting FLOPs, which hooks all modules, calls such hooks twice on compiled ones
        warnings.filterwarnings("ignore", message="Using `torch.compile")
        with counter:
            _call(module, given)
    prefix = f"{type(module).__name__}."
    counts = counter.get_flop_counts()
    found = {name.removeprefix(prefix): dict(by_op) for name, by_op in counts.items()}
    return {**found, "": dict(counts.get("Global", {}))}


def _call(module: nn.Module, given: Any) -> None:
    try:
        if isinstance(given, list | tuple):
            module(*given)
        elif isinstance(given, dict):
            module(**given)
        else:
            module(given)
    except Exception as error:
        error.add_note(
            f"leyden: {type(module).__name__} was called with its example_input_array for the model summary. "
            "Change the example, or pass enable_model_summary=False."
        )
        raise


def _transferred(module: Any) -> Any:
    given = module.example_input_array
    if not hasattr(module, "transfer_batch_to_device"):
        return move_to_device(given, next((one.device for one in module.parameters()), torch.device("cpu")))
    given = module.on_before_batch_transfer(given, 0)
    given = module.transfer_batch_to_device(given, module.device, 0)
    return module.on_after_batch_transfer(given, 0)


def _precision(module: Any) -> AbstractContextManager[Any]:
    trainer = getattr(module, "_trainer", None)
    return nullcontext() if trainer is None else trainer.precision_plugin.forward_context()


def _uncompiled() -> AbstractContextManager[Any]:
    # Compiling for one example in evaluation mode would cost more than the first training steps.
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for one, training in modes:
            one.training = training
