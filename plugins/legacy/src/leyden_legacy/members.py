"""Attributes that Trainer and data modules had in Lightning 1.x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leyden import LightningDataModule, Trainer
from leyden_legacy import command_line, tune
from leyden_legacy.notes import note


def _wrapped(trainer: Any) -> dict[int, Any]:
    step = trainer.session.step if trainer.session is not None else None
    return dict(enumerate(step.wrapped)) if step is not None else {}


def _schedulers(trainer: Any) -> list[dict[str, Any]]:
    return [dict(vars(one)) for one in trainer.lr_scheduler_configs]


def _frequencies(trainer: Any) -> list[int]:
    return list(getattr(trainer.session.step, "frequencies", [])) if trainer.session is not None else []


def _gpus(trainer: Any) -> int:
    return int(trainer.num_devices) if trainer.strategy.root_device.type == "cuda" else 0


def _on(kind: str) -> Callable[[Any], int]:
    return lambda trainer: int(trainer.num_devices) if trainer.strategy.root_device.type == kind else 0


def _path(fn: str) -> Callable[[Any], Any]:
    return lambda trainer: trainer.ckpt_path if trainer.state.fn == fn else None


def _prediction_writers(trainer: Any) -> list[Any]:
    return [
        one
        for one in trainer.callbacks
        if any(base.__name__ == "BasePredictionWriter" for base in type(one).__mro__)
    ]


TRAINER: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "running_sanity_check": ("sanity_checking", lambda one: one.sanity_checking),
    "lightning_optimizers": ("strategy.optimizers, or optimizers() of the module", _wrapped),
    "lr_schedulers": ("lr_scheduler_configs", _schedulers),
    "optimizer_frequencies": ("what configure_optimizers returned", _frequencies),
    "progress_bar_dict": ("progress_bar_metrics", lambda one: one.progress_bar_metrics),
    "get_model": ("lightning_module", lambda one: lambda: one.lightning_module),
    "training_type_plugin": ("strategy", lambda one: one.strategy),
    "disable_validation": ("enable_validation", lambda one: not one.enable_validation),
    "train_loop": ("fit_loop", lambda one: one.fit_loop),
    "batch_idx": ("fit_loop.batch_idx", lambda one: one.fit_loop.batch_idx),
    "total_batch_idx": ("fit_loop.total_batch_idx", lambda one: one.fit_loop.total_batch_idx),
    "gpus": ("num_devices", _gpus),
    "num_gpus": ("num_devices", _gpus),
    "devices": ("num_devices", lambda one: one.num_devices),
    "num_processes": ("num_devices", lambda one: one.num_devices),
    "tpu_cores": ("num_devices", _on("xla")),
    "ipus": ("num_devices", _on("ipu")),
    "root_gpu": ("strategy.root_device", lambda one: one.strategy.root_device.index),
    "on_gpu": ("strategy.root_device", lambda one: _gpus(one) > 0),
    "data_parallel_device_ids": ("device_ids", lambda one: one.device_ids if _gpus(one) else None),
    "use_amp": ("precision", lambda one: "mixed" in one.precision),
    "amp_backend": ("precision", lambda one: "native" if "mixed" in one.precision else None),
    "should_rank_save_checkpoint": ("is_global_zero", lambda one: one.is_global_zero),
    "weights_save_path": ("the dirpath of ModelCheckpoint", lambda one: one.default_root_dir),
    "resume_from_checkpoint": ("ckpt_path", lambda one: one.run_state.extra.get("resume_from")),
    "tested_ckpt_path": ("ckpt_path", _path("test")),
    "validated_ckpt_path": ("ckpt_path", _path("validate")),
    "predicted_ckpt_path": ("ckpt_path", _path("predict")),
    "prediction_writer_callbacks": ("callbacks", _prediction_writers),
    "tuning": ("state", lambda one: False),
    "auto_lr_find": ("leyden.tuner.Tuner", lambda one: False),
    "auto_scale_batch_size": ("leyden.tuner.Tuner", lambda one: False),
    "tune": ("leyden.tuner.Tuner(trainer).lr_find(model) and .scale_batch_size(model)", tune.bound),
    "tuner": ("leyden.tuner.Tuner(trainer)", tune.tuner),
}
"""Attributes of a Trainer: the present one, and how the value is found."""

CLASS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "add_argparse_args": ("LightningCLI, or arguments of your own", command_line.adder),
    "from_argparse_args": ("Trainer(**vars(arguments))", command_line.maker),
    "parse_argparser": ("parser.parse_args()", command_line.parser),
    "match_env_arguments": ("the environment variables PL_TRAINER_<KEYWORD>", command_line.environment),
    "default_attributes": ("inspect.signature(Trainer)", command_line.defaults),
}
"""Attributes of the Trainer's class."""

DATA: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "train_transforms": ("an attribute of your own", lambda one: None),
    "val_transforms": ("an attribute of your own", lambda one: None),
    "test_transforms": ("an attribute of your own", lambda one: None),
    "dims": ("an attribute of your own", lambda one: ()),
    "size": ("an attribute of your own", lambda one: lambda dim=None: _size(one, dim)),
    "has_prepared_data": ("an attribute that prepare_data sets", lambda one: _reached(one)),
    "has_setup_fit": ("an attribute that setup sets", lambda one: _reached(one, "fit")),
    "has_setup_validate": ("an attribute that setup sets", lambda one: _reached(one, "validate")),
    "has_setup_test": ("an attribute that setup sets", lambda one: _reached(one, "test")),
    "has_setup_predict": ("an attribute that setup sets", lambda one: _reached(one, "predict")),
}
"""Attributes of a data module."""


def member(owner: type, target: Any, name: str) -> Callable[[], Any] | None:
    """How to find an attribute of old."""
    if issubclass(owner, Trainer):
        table, where = ({**TRAINER, **CLASS} if target is not owner else CLASS), "trainer"
        target = owner if name in CLASS else target
    elif issubclass(owner, LightningDataModule):
        table, where = DATA, "data module"
    else:
        return None
    if name not in table:
        return None
    modern, find = table[name]
    note(f"{name} of a {where}", modern)
    return lambda: find(target)


def _size(datamodule: Any, dim: int | None) -> Any:
    return datamodule.dims if dim is None else datamodule.dims[dim]


def _reached(datamodule: Any, stage: str | None = None) -> bool:
    """Whether a run that prepared data (or set a stage up) has used the data module."""
    trainer = vars(datamodule).get("trainer")
    if trainer is None or trainer.datamodule is not datamodule:
        return False
    return stage is None or trainer.state.fn == stage
