"""Warnings, which begin with their id in brackets."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^\[implied-best\] Trainer\.(\w+) without a model",
        r"The best model of the previous `fit` call will be used by `.\1(ckpt_path=None)`.",
    ),
    (r"^\[no-last\]", r'`.fit(ckpt_path="last")`: No checkpoint will be loaded.'),
    (r"^\[predict-none\]", r"predict returned None if it was on purpose, ignore this warning..."),
    (
        r"^\[several-best\]",
        r'`.test(ckpt_path="best")` uses the best checkpoint path from first checkpoint callback.',
    ),
    (r"^\[max-epochs\]", r"`max_epochs` was not set. Setting it to 1000 epochs."),
    (r"^\[log-detached\]", r"`self.trainer` reference is not registered"),
    (r"^\[log-barebones\]", r"`Trainer(barebones=True)` is configured"),
    (r"^\[no-optimizer\]", r"this fit will run with no optimizer"),
    (
        r"^\[optimizer-keys\].*the keys? (.*) mean",
        r"Found unsupported keys in the optimizer configuration: {\1}",
    ),
    (r"^\[scheduler-keys\].*the keys? (.*) mean", r"Found unsupported keys in the lr scheduler dict: {\1}"),
    (
        r"^\[scheduler-monitor\] lr_scheduler monitors '(.*?)'",
        r"ReduceLROnPlateau conditioned on metric \1 which is not available but strict is set to `False`.",
    ),
    (r"^\[manual-monitor\]", r"['monitor'], but the keys will be ignored."),
    (r"^\[no-validation-step\]", r"You passed in a `val_dataloader` but have no `validation_step`."),
    (r"^\[no-validation-data\]", r"You defined a `validation_step` but have no `val_dataloader`."),
    (r"^\[overfit-sequential\]", r"You requested to overfit but enabled train dataloader shuffling."),
    (
        r"^\[tuner-skipped\].*no learning rate",
        r"Skipping learning rate finder since `fast_dev_run` is enabled.",
    ),
    (r"^\[tuner-skipped\].*no batch size", r"Skipping batch size scaler since `fast_dev_run` is enabled."),
    (
        r"^\[finetuning-present\]",
        r"The provided params to be frozen already exist within another group. Did you init your optimizer in",
    ),
    (
        r"^\[swa-interval\]",
        r"SWA is currently only supported every epoch.",
    ),
    (
        r"^\[lr-monitor-absent\].*momentum",
        r"optimizers do not have momentum.",
    ),
    (
        r"^\[lr-monitor-absent\].*weight_decay",
        r"optimizers do not have weight decay.",
    ),
    (
        r"^\[batch-size-twice\]",
        r"Field `model.batch_size` and `model.hparams.batch_size` are mutually exclusive!",
    ),
    (
        r"^\[wandb-reused\]",
        r"There is a wandb run already in progress",
    ),
    (
        r"^\[tensorboard-graph\]",
        r"Could not log computational graph to TensorBoard: The `model.example_input_array` attribute was not given "
        r"or can't be traced by TensorBoard",
    ),
    (r"^\[scheduler-interval\]", r"Are you sure you didn't mean 'interval': 'step'?"),
)
