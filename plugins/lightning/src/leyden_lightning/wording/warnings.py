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
    (r"^\[batch-size\]", r"Trying to infer the `batch_size` from an ambiguous collection."),
    (r"^\[step-none\]", r"`training_step` returned `None`. If this was on purpose, ignore this warning..."),
    (
        r"^\[callback-states\]",
        r"Be aware that when using `ckpt_path`, callbacks used to create the checkpoint need to be provided during "
        r"`Trainer` instantiation. Please add the following callbacks",
    ),
    (r"^\[deterministic-benchmark\]", r"You passed `deterministic=True` and `benchmark=True`."),
    (
        r"^\[fp16-on-cpu\]",
        r"You passed `Trainer(accelerator='cpu', precision='16-mixed')` but AMP with fp16 is not supported on CPU.",
    ),
    (
        r"^\[shuffled-evaluation\] The sampler of (\w+)",
        r"Your `\1`'s sampler has shuffling enabled, it is strongly recommended that you turn shuffling off "
        r"for val/test dataloaders.",
    ),
    (
        r"^\[checkpoint-dirpath\].* from (\S+) to (\S+):",
        r"The dirpath has changed from \1 to \2, therefore `best_model_score` won't be reloaded.",
    ),
    (
        r"^\[tensorboard-graph\]",
        r"Could not log computational graph to TensorBoard: The `input_array` or `model.example_input_array` has type",
    ),
    (
        r"^\[partial-weights\].*keys missing in the file: ('.*?'); keys",
        r"Found keys that are in the model state dict but not in the checkpoint: [\1]",
    ),
    (
        r"^\[partial-weights\].*does not have: ('.*')\.",
        r"Found keys that are not in the model state dict but in the checkpoint: [\1]",
    ),
    (r"^\[checkpoint-folder\] (\S+) is not empty", r"Checkpoint directory \1 exists and is not empty."),
    (
        r"^\[hparams-unpicklable\] The hyper-parameter ('.*?')",
        r"Attribute \1 removed from hparams because it cannot be pickled",
    ),
    (r"^\[hparams-file\] hparams_file='(.*?)' does", r"Missing Tags: \1."),
    (
        r"^\[empty-loader\]",
        r"Total length of `DataLoader` across ranks is zero. Total length of `CombinedLoader` across ranks is zero.",
    ),
    (
        r"^\[transfer-hooks\] (\w+) of both",
        r"You have overridden `\1` in both `LightningModule` and `LightningDataModule`.",
    ),
    (
        r"^\[transfer-hooks\] (\w+) of the module",
        r"You have overridden `\1` in `LightningModule` but have passed in a `LightningDataModule`.",
    ),
    (r"^\[lazy-parameters\]", r"The total number of parameters detected may be inaccurate"),
    (
        r"^\[lr-monitor-absent\].*momentum",
        r"You have set log_momentum=True, but some optimizers do not have momentum.",
    ),
    (r"^\[eval-mode\] (\d+)", r"Found \1 module(s) in eval mode at the start of training."),
    (
        r"^\[accumulation-hooks\]",
        r"When using `Trainer(accumulate_grad_batches != 1)` and overriding "
        r"`LightningModule.optimizer_{step,zero_grad}`, the hooks will not be called on every batch",
    ),
    (
        r"^\[bar-metric\].* named '(.*)':",
        r"The progress bar already tracks a metric with the name(s) '\1'",
    ),
    (
        r"^\[ckpt-path\] trainer\.ckpt_path = (\S+)",
        r"`trainer.ckpt_path = \1` was called but then you passed `trainer.fit(ckpt_path=",
    ),
    (r"^\[iterable-length\]", r"Your `IterableDataset` has `__len__` defined."),
    (
        r"^\[few-workers\] (\w+)",
        r"The '\1' does not have many workers which may be a bottleneck.",
    ),
    (
        r"^\[log-interval\] (\S+) training batches and log_every_n_steps=(\d+)",
        r"The number of training batches (\1) is smaller than the logging interval Trainer(log_every_n_steps=\2).",
    ),
)
