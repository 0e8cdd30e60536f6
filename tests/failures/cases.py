"""Where a run may fail: every hook of every participant, in every call where it fires, with three kinds of error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ERRORS: dict[str, type[BaseException]] = {
    "ValueError": ValueError,
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
}
PLACES = ("callback", "module", "datamodule", "logger")
CALLS = ("fit", "sanity", "save", "resume", "validate", "test", "predict")
"""``sanity`` is a fit that fails in its sanity check, ``save`` one that saves, ``resume`` one that resumes."""

STEMS = {"validate": "validation", "sanity": "validation", "test": "test", "predict": "predict"}
LOADERS = {"sanity": "val", "validate": "val", "test": "test", "predict": "predict"}
TRANSFER = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")
GRADIENTS = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")


@dataclass(frozen=True)
class Case:
    """One failure.

    Attributes:
        place: whose method fails.
        hook: which method.
        call: in which call of the Trainer.
        error: the name of what it raises.
    """

    place: str
    hook: str
    call: str
    error: str

    @property
    def id(self) -> str:
        """Its name in reports."""
        return f"{self.call}-{self.place}.{self.hook}-{self.error}"

    @property
    def kind(self) -> type[BaseException]:
        """What it raises."""
        return ERRORS[self.error]

    @property
    def secondary(self) -> bool:
        """Whether the method is called only because something else has failed."""
        return self.hook == "on_exception"

    @property
    def late(self) -> bool:
        """Whether the method is called when the run is being undone."""
        return self.hook in ("teardown", "finalize")


def spans(stem: str) -> tuple[str, ...]:
    """The hooks of a stage that evaluates, or of training."""
    return tuple(f"on_{stem}_{span}{edge}" for span in ("", "epoch_", "batch_") for edge in ("start", "end"))


def _of_callbacks() -> dict[str, tuple[str, ...]]:
    validation = spans("validation")
    rest = ("on_fit_start", "on_fit_end", *spans("train"), *GRADIENTS)
    return {
        "fit": ("setup", *rest, *validation, "teardown", "on_exception"),
        "sanity": ("on_sanity_check_start", *validation, "on_sanity_check_end"),
        "save": ("state_dict", "on_save_checkpoint"),
        "resume": ("on_load_checkpoint", "load_state_dict"),
        **{call: ("setup", *spans(STEMS[call]), "teardown") for call in ("validate", "test", "predict")},
    }


def _of_modules() -> dict[str, tuple[str, ...]]:
    own = _of_callbacks()
    configure = ("configure_callbacks", "configure_model", "prepare_data")
    training = (
        *("configure_optimizers", "training_step", "optimizer_step", "optimizer_zero_grad", "backward"),
        *("configure_gradient_clipping", "lr_scheduler_step"),
        *("validation_step", "on_validation_model_zero_grad"),
    )
    hooks = {
        "fit": (*(one for one in own["fit"] if one != "on_exception"), *configure, *training, *TRANSFER),
        "sanity": (*(one for one in own["sanity"] if "sanity" not in one), "validation_step"),
        "save": ("state_dict", "on_save_checkpoint"),
        "resume": ("on_load_checkpoint", "load_state_dict"),
    }
    for call in ("validate", "test", "predict"):
        modes = tuple(f"on_{STEMS[call]}_model_{mode}" for mode in ("eval", "train"))
        hooks[call] = (*own[call], *configure, f"{STEMS[call]}_step", *modes, *TRANSFER)
    return hooks


def _of_datamodules() -> dict[str, tuple[str, ...]]:
    always = ("prepare_data", "setup", "teardown", *TRANSFER)
    return {
        "fit": (*always, "train_dataloader", "val_dataloader", "on_exception"),
        "sanity": ("val_dataloader",),
        "save": ("state_dict",),
        "resume": ("load_state_dict",),
        **{call: (*always, f"{LOADERS[call]}_dataloader") for call in ("validate", "test", "predict")},
    }


def _of_loggers() -> dict[str, tuple[str, ...]]:
    always = ("experiment", "log_hyperparams", "log_graph", "save", "finalize")
    return {
        "fit": (*always, "log_metrics"),
        "validate": (*always, "log_metrics"),
        "test": (*always, "log_metrics"),
        "predict": always,
    }


HOOKS = {
    "callback": _of_callbacks(),
    "module": _of_modules(),
    "datamodule": _of_datamodules(),
    "logger": _of_loggers(),
}


def _cases() -> Iterator[Case]:
    for place, calls in HOOKS.items():
        for call, hooks in calls.items():
            for hook in hooks:
                for error in ERRORS:
                    yield Case(place, hook, call, error)


CASES: tuple[Case, ...] = tuple(_cases())
