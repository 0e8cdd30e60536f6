"""The Trainer's own keywords: what the loop and the assembly of a run read. All others belong to plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Le

from leyden.plugins.errors import ArgumentTypeError, ConfigurationError

if TYPE_CHECKING:
    from pydantic import ValidationError

Count = Annotated[int, Ge(0)]
Fraction = Annotated[float, Ge(0.0), Le(1.0)]
Limit = Count | Fraction
MinusOne = Literal[-1]


@dataclass(frozen=True)
class Keyword:
    """One keyword.

    Attributes:
        annotation: what is accepted, for pydantic, signatures and documentation.
        default: its value when not given.
        allowed: the same in words, for error messages.
        doc: what it does, in one line.
    """

    annotation: Any
    default: Any
    allowed: str
    doc: str


_LIMIT = "an int of at least 0 (batches), or a float from 0.0 to 1.0 (a fraction of the data)"
_COUNT = "an int of at least 0"

KEYWORDS: dict[str, Keyword] = {
    "accelerator": Keyword(str | object, "auto", "'auto', the name of an installed accelerator, or an Accelerator",
                           "the hardware"),
    "strategy": Keyword(str | object, "auto", "'auto', the name of an installed strategy, or a Strategy",
                        "where the model lives and how processes work together"),
    "devices": Keyword(Annotated[int, Ge(-1)] | str | list[int], "auto",
                       "'auto', an int of at least 1, -1 (all), a list of indices, or a string of any of these",
                       "how many devices, or which"),
    "num_nodes": Keyword(Annotated[int, Ge(1)], 1, "an int of at least 1", "machines"),
    "precision": Keyword(str | int | None, None, "the name of an installed precision", "number formats"),
    "logger": Keyword(bool | object | None, None, "True, False, a Logger, or a list of Loggers", "where metrics go"),
    "callbacks": Keyword(object, None, "a Callback or a list of Callbacks", "code that listens to the run"),
    "fast_dev_run": Keyword(bool | Count, False, "True, False, or an int of at least 0",
                            "run so many batches of everything, to see whether it works"),
    "max_epochs": Keyword(MinusOne | Count | None, None, "None, -1 (no limit), or an int of at least 0",
                          "stop after so many epochs (1000 when neither it nor max_steps is given)"),
    "min_epochs": Keyword(Count | None, None, "None or an int of at least 0", "do not stop before so many epochs"),
    "max_steps": Keyword(MinusOne | Count, -1, "-1 (no limit) or an int of at least 0",
                         "stop after so many optimizer steps (of all optimizers together)"),
    "min_steps": Keyword(Count | None, None, "None or an int of at least 0",
                         "do not stop before so many optimizer steps"),
    "limit_train_batches": Keyword(Limit | None, None, _LIMIT, "how much of the training data is used an epoch"),
    "limit_val_batches": Keyword(Limit | None, None, _LIMIT, "how much of the validation data is used"),
    "limit_test_batches": Keyword(Limit | None, None, _LIMIT, "how much of the test data is used"),
    "limit_predict_batches": Keyword(Limit | None, None, _LIMIT, "how much of the data to predict is used"),
    "overfit_batches": Keyword(Limit, 0.0, _LIMIT, "train and validate on the same few batches"),
    "val_check_interval": Keyword(
        Annotated[int, Ge(1)] | Fraction | str | timedelta | dict[str, Any] | None, None,
        "an int of at least 1 (training batches), a float above 0.0 and up to 1.0 (a fraction of an epoch), or a time: "
        "'DD:HH:MM:SS', a timedelta, or a dict of its arguments, or '500 optimizer_steps'",
        "how often to validate: in training batches, time, or optimizer steps"),
    "check_val_every_n_epoch": Keyword(Annotated[int, Ge(1)] | None, 1, "None or an int of at least 1",
                                       "validate in every so many epochs; None counts batches across epochs"),
    "num_sanity_val_steps": Keyword(MinusOne | Count | None, None, "-1 (all) or an int of at least 0",
                                    "validation batches to try before training"),
    "log_every_n_steps": Keyword(Count | None, None, _COUNT, "write step metrics every so many updates; 0 never"),
    "accumulate_grad_batches": Keyword(Annotated[int, Ge(1)], 1, "an int of at least 1",
                                       "batches whose gradients make one update"),
    "inference_mode": Keyword(bool, True, "True or False",
                              "validate, test and predict under torch.inference_mode rather than no_grad"),
    "use_distributed_sampler": Keyword(bool, True, "True or False", "give each process its share of the data"),
    "plugins": Keyword(object, None, "a Precision, CheckpointIO or ClusterEnvironment, a hook "
    "plugin, or a list of these",
                       "components and hook plugins of this Trainer alone"),
    "reload_dataloaders_every_n_epochs": Keyword(Count, 0, _COUNT, "call the dataloader hooks again; 0 never"),
    "default_root_dir": Keyword(str | PathLike[str] | None, None, "a path", "where files go (the working directory)"),
    "barebones": Keyword(bool, False, "True or False", "nothing but the loop, for measuring overhead"),
    "enable_autolog_hparams": Keyword(bool, True, "True or False", "log hyper-parameters when a run starts"),
    "require_plugins": Keyword(list[str] | tuple[str, ...], (), "a list of plugin or distribution names",
                               "refuse to run without these"),
}  # fmt: skip


def unwrapped(value: Any) -> Any:
    """NumPy's scalars as Python's."""
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if is_scalar else value


def validated(name: str, value: Any, annotation: Any, allowed: str) -> Any:
    """Check a value against an annotation, strictly. A dict of settings becomes the pydantic model that holds them.

    Raises:
        leyden.errors.ArgumentTypeError: wrong type.
        leyden.errors.ConfigurationError: right type, wrong value.
    """
    from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

    value = unwrapped(value)
    config = ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    try:
        made = TypeAdapter(annotation, config=None if is_model else config).validate_python(
            value, strict=True
        )
    except ValidationError as error:
        faults = _faults(error, value) if isinstance(value, Mapping) else ""
        allowed = f"{allowed}, where {faults}" if faults else allowed
        kinds = {one["type"] for one in error.errors()}
        wrong_type = all(
            kind.endswith(("_type", "_instance_of", "_of")) or kind == "literal_error" for kind in kinds
        )
        number = isinstance(value, int | float) and not isinstance(value, bool)
        kind = ArgumentTypeError if wrong_type and not number else ConfigurationError
        raise kind.about(name, value, allowed) from None
    return made if isinstance(made, BaseModel) else value


def _faults(error: ValidationError, value: Mapping[str, Any]) -> str:
    """What is wrong with a dict of settings, field by field."""
    found = {
        ".".join(map(str, one["loc"][position:])): one["msg"]
        for one in error.errors()
        for position, part in enumerate(one["loc"])
        if part in value or (one["type"] == "missing" and position == len(one["loc"]) - 1)
    }
    return "; ".join(f"{field}: {text}" for field, text in found.items())


def check_keywords(given: Mapping[str, Any]) -> dict[str, Any]:
    """Validate the Trainer's own keywords and fill in the defaults.

    Raises:
        leyden.errors.ConfigurationError: a value, or a pair of values, is not possible.
    """
    values = {name: keyword.default for name, keyword in KEYWORDS.items()}
    for name, keyword in KEYWORDS.items():
        if name in given and given[name] is not keyword.default:
            values[name] = _check(name, given[name], keyword)
    return values


def _check(name: str, value: Any, keyword: Keyword) -> Any:
    if keyword.annotation is object:
        return value
    if isinstance(value, float) and value > 1 and value.is_integer() and name.endswith("_batches"):
        value = int(value)
    value = validated(name, value, keyword.annotation, keyword.allowed)
    if name == "val_check_interval":
        _check_interval(name, value, keyword.allowed)
    return value


def _check_interval(name: str, value: Any, allowed: str) -> None:
    from leyden.api.data import optimizer_steps, seconds

    try:
        positive = (
            value > 0
            if isinstance(value, int | float)
            else (optimizer_steps(value) or seconds(value) or 0) > 0
        )
    except (ValueError, TypeError):
        positive = False
    if not positive:
        raise ConfigurationError.about(name, value, allowed)
