"""What must be there before a run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.api.callback import Callback
from leyden.api.dialects import ask
from leyden.api.module import LightningModule
from leyden.api.warn import warn
from leyden.errors import UserCodeError, UserCodeTypeError
from leyden.kernel.state import TrainerFn
from leyden.plugins.adapt import overridden
from leyden.plugins.errors import ConfigurationError

if TYPE_CHECKING:
    from leyden.api.session import Session


def check_module(session: Session) -> None:
    """Raise for missing steps and contradictions, warn about what will not be called.

    Raises:
        leyden.errors.UserCodeError: a step or loader that the call needs is missing.
        leyden.errors.ConfigurationError: keywords contradict the module.
    """
    {
        TrainerFn.FITTING: _check_fit,
        TrainerFn.VALIDATING: lambda one: _check_evaluation(one, "val", "validation_step"),
        TrainerFn.TESTING: lambda one: _check_evaluation(one, "test", "test_step"),
        TrainerFn.PREDICTING: _check_predict,
    }[session.fn](session)
    check_callbacks(session.trainer.callbacks)


def _has(session: Session, name: str) -> bool:
    return overridden(session.module, name, LightningModule) is not None


def _need(session: Session, name: str, call: str) -> None:
    if not _has(session, name):
        raise UserCodeError(
            f"{type(session.module).__name__} has no {name}, and Trainer.{call} needs it. Define it."
        )


def _need_data(session: Session, prefix: str, argument: str) -> None:
    if not session.data.defined(prefix):
        raise UserCodeTypeError(
            f"Trainer.{session.fn} has no data: define {prefix}_dataloader in {type(session.module).__name__} or in a "
            f"LightningDataModule, or pass {argument}."
        )


def _check_fit(session: Session) -> None:
    _need(session, "training_step", "fit")
    _need(session, "configure_optimizers", "fit")
    _need_data(session, "train", "train_dataloaders")
    has_step, has_data = _has(session, "validation_step"), session.data.defined("val")
    if has_data and not has_step:
        warn(
            "no-validation-step",
            "There is validation data, and the module has no validation_step: nothing is validated.",
        )
    if has_step and not has_data:
        warn(
            "no-validation-data",
            "The module has a validation_step, and there is no validation data: nothing is validated.",
        )
    _check_removed(session, "training_epoch_end", "on_train_epoch_end")
    _check_removed(session, "validation_epoch_end", "on_validation_epoch_end")
    if not session.module.automatic_optimization:
        _check_manual(session)


def _check_manual(session: Session) -> None:
    if session.trainer.accumulate_grad_batches != 1:
        raise ConfigurationError.about(
            "accumulate_grad_batches",
            session.trainer.accumulate_grad_batches,
            "1 in manual optimization (automatic_optimization=False)",
            "Step the optimizer every n batches in training_step instead.",
        )


def _check_evaluation(session: Session, prefix: str, step: str) -> None:
    _need(session, step, str(session.fn))
    _need_data(session, prefix, "dataloaders")
    _check_removed(
        session, f"{step.removesuffix('_step')}_epoch_end", f"on_{step.removesuffix('_step')}_epoch_end"
    )


def _check_predict(session: Session) -> None:
    if getattr(session.module, "predict_step", None) is None:
        raise UserCodeError(
            f"predict_step=None in {type(session.module).__name__}: Trainer.predict needs one. Define it."
        )
    if not _has(session, "predict_step") and not _has(session, "forward"):
        raise UserCodeError(
            f"{type(session.module).__name__} has neither predict_step nor forward, and "
            "Trainer.predict needs one. Define it."
        )
    _need_data(session, "predict", "dataloaders")


def _check_removed(session: Session, old: str, new: str) -> None:
    if callable(getattr(session.module, old, None)) and not ask("understands", old):
        raise UserCodeError(
            f"{type(session.module).__name__}.{old}(outputs) is Lightning 1.x. Collect the outputs in "
            f"the step and use {new}, "
            "or run it as it is. Install what does with: pip install leyden-legacy"
        )


def check_resumed(session: Session) -> None:
    """Refuse a checkpoint of an epoch behind the last.

    Raises:
        leyden.errors.ConfigurationError: it has trained for more epochs than ``max_epochs``.
    """
    epoch, limit = session.state.counters.epoch, session.state.limits.max_epochs
    if epoch > limit:
        raise ConfigurationError(
            f"ckpt_path={session.checkpoint_path!r} is of epoch {epoch}, and max_epochs={limit}: nothing is left to "
            "train. Raise max_epochs, or give an earlier checkpoint."
        )


def check_callbacks(callbacks: list[Any]) -> None:
    """Refuse two stateful callbacks that a checkpoint could not tell apart."""
    keys: dict[str, Any] = {}
    twice = next(
        (one for i, one in enumerate(callbacks) if any(one is other for other in callbacks[:i])), None
    )
    if twice is not None:
        raise ConfigurationError(
            f"callbacks holds the same {type(twice).__name__} twice. Leave one out, or make another."
        )
    for callback in callbacks:
        stateful = overridden(callback, "state_dict", Callback) is not None
        key = getattr(callback, "state_key", type(callback).__qualname__)
        if stateful and key in keys:
            raise UserCodeError(
                f"callbacks holds two of state_key={key!r} ({type(callback).__name__}): "
                "a checkpoint could not tell them apart. "
                "Override state_key in "
                "one of them."
            )
        if stateful:
            keys[key] = callback
