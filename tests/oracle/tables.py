"""Every hook of Lightning's surface: name and parameters, one table an owner."""

from __future__ import annotations

BATCH = "batch, batch_idx"
LOADER = "batch, batch_idx, dataloader_idx=0"
STAGES = ("validation", "test", "predict")

_RUN = {f"on_{run}_{edge}": "" for run in ("fit", "train", *STAGES) for edge in ("start", "end")}
_EPOCH = {f"on_{run}_epoch_{edge}": "" for run in ("train", *STAGES) for edge in ("start", "end")}
_BATCHES = {
    "on_train_batch_start": BATCH,
    "on_train_batch_end": f"outputs, {BATCH}",
    **{f"on_{stage}_batch_start": LOADER for stage in STAGES},
    **{f"on_{stage}_batch_end": f"outputs, {LOADER}" for stage in STAGES},
}
_OPTIMIZATION = {
    "on_before_zero_grad": "optimizer",
    "on_before_backward": "loss",
    "on_after_backward": "",
    "on_before_optimizer_step": "optimizer",
}
_FILE = {"on_save_checkpoint": "checkpoint", "on_load_checkpoint": "checkpoint"}
_EVENTS = {**_RUN, **_EPOCH, **_BATCHES, **_OPTIMIZATION, **_FILE, "setup": "stage", "teardown": "stage"}
_STATE = {"state_dict": "", "load_state_dict": "state_dict"}

TRANSFER = {
    "on_before_batch_transfer": "batch, dataloader_idx",
    "transfer_batch_to_device": "batch, device, dataloader_idx",
    "on_after_batch_transfer": "batch, dataloader_idx",
}
LOADERS = {f"{stage}_dataloader": "" for stage in ("train", "val", "test", "predict")}
STEPS = {
    "training_step": BATCH,
    "validation_step": LOADER,
    "test_step": LOADER,
    "predict_step": LOADER,
}

MODULE = {
    **_EVENTS,
    **TRANSFER,
    **LOADERS,
    **STEPS,
    "prepare_data": "",
    "configure_callbacks": "",
    "configure_model": "",
    "configure_optimizers": "",
    "configure_gradient_clipping": "optimizer, gradient_clip_val=None, gradient_clip_algorithm=None",
    "backward": "loss, *args, **kwargs",
    "optimizer_step": "epoch, batch_idx, optimizer, optimizer_closure=None",
    "optimizer_zero_grad": "epoch, batch_idx, optimizer",
    "lr_scheduler_step": "scheduler, metric",
    "on_validation_model_zero_grad": "",
    "on_validation_model_eval": "",
    "on_validation_model_train": "",
    "on_test_model_eval": "",
    "on_test_model_train": "",
    "on_predict_model_eval": "",
    "state_dict": "*args, **kwargs",
    "load_state_dict": "state_dict, *args, **kwargs",
}
DATAMODULE = {
    **TRANSFER,
    **LOADERS,
    **_STATE,
    "prepare_data": "",
    "setup": "stage",
    "teardown": "stage",
    "on_exception": "exception",
}
_ABOUT_RUN = {
    **_EVENTS,
    "on_sanity_check_start": "",
    "on_sanity_check_end": "",
    "on_exception": "exception",
}
CALLBACK = {name: f"trainer, pl_module, {rest}".rstrip(", ") for name, rest in _ABOUT_RUN.items()} | _STATE
MONITOR = {name: CALLBACK[name] for name in ("on_train_epoch_end", "on_validation_end", *_STATE)}
LOGGER = {
    "log_metrics": "metrics, step=None",
    "log_hyperparams": "params, *args, **kwargs",
    "log_graph": "model, input_array=None",
    "save": "",
    "finalize": "status",
    "after_save_checkpoint": "checkpoint_callback",
}
