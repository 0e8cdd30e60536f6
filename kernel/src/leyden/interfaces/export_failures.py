"""What goes wrong while a module is exported, in words that a user can act on."""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from torch.jit._trace import TracerWarning

from leyden.errors import UserCodeError
from leyden.interfaces.export_checks import hushed
from leyden.interfaces.export_inputs import Inputs
from leyden.plugins.errors import ConfigurationError, LeydenError

PASSED_ON = (LeydenError, OSError, ImportError, MemoryError, Warning)
"""Exceptions that say themselves what is wrong."""

REMEDIES = {
    "data-dependent": "Its forward decides by the values of tensors, which this format does not hold. Decide with "
    "torch.where or torch.cond, or export it as 'torchscript' with method='script'.",
    "specialized it to be a constant": "Pass dynamic_batch=False to export it for the sample's batch size alone.",
}
"""What to do, by what torch says."""


def outputs(model: Any, inputs: Inputs) -> Any:
    """What a module computes of the sample.

    Raises:
        leyden.errors.ConfigurationError: its forward does not take the sample.
    """
    try:
        return inputs(model)
    except Exception as error:
        raise ConfigurationError(
            f"The forward of {type(model).__name__} does not take the sample: {_gist(error)} A sample is a tensor, a "
            "tuple or list of forward's arguments, or a dict of its keyword arguments."
        ) from error


def failure(model: Any, inputs: Inputs | None, format: str, error: Exception) -> LeydenError:
    """The exception of our family for one that torch raised while exporting.

    Args:
        model: the module, in evaluation mode.
        inputs: the sample.
        format: the exporter's name.
        error: what torch raised; its cause is what matters where it has one.

    Raises:
        leyden.errors.ConfigurationError: the module does not take the sample either.
    """
    if inputs is not None:
        outputs(model, inputs)
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    text = str(cause)
    remedy = next((advice for sign, advice in REMEDIES.items() if sign in text), "")
    name = type(model).__name__
    return UserCodeError(
        f"{name} cannot be exported as {format}: {_gist(cause)}{_place(text)} {remedy}".rstrip()
    )


@contextmanager
def told_once() -> Iterator[None]:
    """Drop what torch writes of a failure to ``sys.stderr`` (whole graphs); :func:`failure` says what matters of it."""
    held, stream = io.StringIO(), sys.stderr
    try:
        with hushed("torch.fx.experimental.symbolic_shapes"), redirect_stderr(held):
            yield
    except Exception as error:
        if not isinstance(error, PASSED_ON):
            held = io.StringIO()
        raise
    finally:
        if stream is not None:
            stream.write(held.getvalue())


def _gist(error: BaseException) -> str:
    """An exception's kind and the first line of what it says, as a sentence."""
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip() if lines else ''}".rstrip(".: ") + "."


def _place(text: str) -> str:
    """Where in the user's code it happened, if torch says so."""
    found = re.findall(r'File "([^"]+)", line (\d+)', text)
    return f" ({found[-1][0]}, line {found[-1][1]})" if found else ""


@contextmanager
def doubts() -> Iterator[Callable[[], list[str]]]:
    """Collect warnings, and pass them on when all went well; those of torch's tracer are notes of an error otherwise.

    Yields:
        A function that returns a place and a text for each warning of the tracer so far.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TracerWarning)

        def found() -> list[str]:
            traced = [one for one in caught if issubclass(one.category, TracerWarning)]
            return [f"{one.filename}, line {one.lineno}: {one.message}" for one in traced]

        try:
            yield found
        except Exception as error:
            for text in found():
                error.add_note(f"torch's tracer warned: {text}")
            raise
    for one in caught:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
