"""Errors of arguments, logging and callbacks."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^Trainer\.(\w+)\(model\)=([\w.]+).*allowed is a LightningModule",
        r"`model` must be a `LightningModule` or `torch._dynamo.OptimizedModule`, got `\2`",
    ),
    (
        r"^The module and the data module both have the hyper-parameter ('\w+')",
        r"Error while merging hparams: the keys [\1] are present in both the LightningModule's and "
        r"LightningDataModule's hparams but have different values.",
    ),
    (
        r"^The search for a learning rate works with one optimizer",
        r"`model.configure_optimizers()` returned several optimizers; the finder only works with single optimizer.",
    ),
    (r"^self\.log\('.*?', '.*'\) is not possible", r"`str` values cannot be logged"),
    (r"^self\.log\('.*?', \{.*\}\) is not possible", r"`dict` values cannot be logged"),
    (
        r"^save_checkpoint needs a module",
        r"Saving a checkpoint is only possible if a model is attached to the Trainer.",
    ),
    (
        r"^Trainer\.(\w+) needs a model: none was given",
        r"`Trainer.\1()` requires a `LightningModule` when it hasn't been passed",
    ),
    (
        r"^(max_epochs|max_steps)=(\S+) is not possible",
        r"`\1` must be a non-negative integer or -1 (infinite). You passed in \2.",
    ),
    (r"^gradient_clip_val=(.*) is not possible", r"`gradient_clip_val` should be an int or a float. Got \1."),
    (r"^gradient_clip_algorithm='?(\w+)'? is not possible", r"`gradient_clip_algorithm` \1 is invalid."),
    (r"^check_val_every_n_epoch=(\S+) is not possible", r"`check_val_every_n_epoch` should be an integer."),
    (r"^Trainer has no keyword '(\w+)'", r"Trainer.__init__() got an unexpected keyword argument '\1'"),
    (
        r"^ckpt_path='best': ModelCheckpoint has saved no checkpoint yet \(fast_dev_run",
        r'You cannot execute with `fast_dev_run=True`. Please pass an exact checkpoint path, not "best".',
    ),
    (
        r"^ckpt_path='best': ModelCheckpoint has saved no checkpoint yet",
        r'`ckpt_path="best"` is set but `ModelCheckpoint` is not configured to save the best model.',
    ),
    (
        r"^ckpt_path='best' needs a callback that keeps the best",
        r'`ckpt_path="best"`, but `ModelCheckpoint` is not configured.',
    ),
    (r"'optimizer_states'\): it was saved with weights only", r"The checkpoint contains only the model."),
    (
        r"^return_predictions=True is not possible",
        r"`return_predictions` should be set to `False` with a launcher that spawns.",
    ),
    (
        r"^self\.log\('(.*?)', (?:'(.*?)'|(.*))\) is not possible: allowed is a number",
        r"`self.log(\1, \2\3)` was called",
    ),
    (
        r"^self\.log\(.*tensor of shape .*\) is not possible: allowed is one element",
        r"The tensor must have a single element",
    ),
    (
        r"^self\.log\('(.*?)', on_step=False, on_epoch=False\) logs nothing",
        r"`self.log(on_step=False, on_epoch=False)` is not useful.",
    ),
    (
        r"^self\.log\(name\)='(.*?)' is not possible: allowed is a name without",
        r"You called `self.log` with the key `\1`",
    ),
    (
        r"^self\.log\('(.*?)', metric\): the metric is no attribute of \w+ \(its metrics: (.*?)\)",
        r"You can fix this by calling `self.log(\1, ..., metric_attribute=name)` where `name` is one of \2",
    ),
    (
        r"^self\.log\('(.*?)', metric\): the metric is no attribute of \w+,",
        r"You can fix this by setting an attribute for the metric in your `LightningModule`.",
    ),
    (
        r"^self\.log\('(.*?)', …\) was called in (\w+) with other arguments",
        r"You called `self.log(\1, ...)` twice in `\2` with different arguments.",
    ),
    (r"^self\.log\(reduce_fx\)=", r"Only `self.log(..., reduce_fx={min,max,mean,sum})` are supported."),
    (
        r"^lr_scheduler=ReduceLROnPlateau watches a metric",
        r"`configure_optimizers` must include a monitor when a `ReduceLROnPlateau` scheduler is used.",
    ),
    (r"^configure_optimizers returned .*; allowed is", r"Unknown configuration for model optimizers."),
    (r"^lr_scheduler\['interval'\]=", r'The "interval" key in lr scheduler dict must be "step" or "epoch".'),
    (
        r"^lr_scheduler=.*its key 'scheduler' is missing",
        r'The lr scheduler dict must have the key "scheduler".',
    ),
    (
        r"^lr_scheduler=.* belongs to an optimizer",
        r"Some schedulers are attached with an optimizer that wasn't returned.",
    ),
    (
        r"^lr_scheduler monitors '(.*?)', which was not logged; logged: (.*?)\. Log it",
        r"ReduceLROnPlateau conditioned on metric \1 which is not available. Available metrics are: \2.",
    ),
    (r"^lr_scheduler=(\w+) .*a scheduler has state_dict", r"The provided lr scheduler `\1` is invalid."),
    (
        r"^lr_scheduler=<[\w.]*?(\w+) object.*a scheduler has state_dict",
        r"The provided lr scheduler `\1` is invalid.",
    ),
    (
        r"^lr_scheduler=(\w+) is no torch scheduler",
        r"The provided lr scheduler `\1` doesn't follow PyTorch's LRScheduler API.",
    ),
    (
        r"^barebones=True is not possible with (.*?): it switches",
        r"`Trainer(barebones=True, \1)` was passed.",
    ),
    (
        r"^val_check_interval=.*with check_val_every_n_epoch=None",
        r"`val_check_interval` should be an integer when `check_val_every_n_epoch=None`.",
    ),
    (
        r"^val_check_interval=.*at most the \d+ training batches",
        r"It must be less than or equal to the number of the training batches.",
    ),
    (
        r"^(limit_\w+_batches|overfit_batches|val_check_interval)=(\S+) is not possible: allowed is an int of at least",
        r"You have passed invalid value \2 for \1.",
    ),
    (r"^fast_dev_run=-?\d+ is not possible", r"fast_dev_run should be >= 0."),
    (r"^reload_dataloaders_every_n_epochs=", r"`reload_dataloaders_every_n_epochs` should be an int >= 0."),
    (
        r"^(limit_\w+_batches)=\S+ is not possible: allowed is an int, or 1\.0, for a loader without",
        r"When using an `IterableDataset`, `Trainer(\1)` must be `1.0` or an int.",
    ),
    (
        r"^(limit_\w+_batches)=(\S+) is not possible.*at least (\S+)\. The loader has (\d+) batch",
        r"\2 * \4 < 1. Please increase the `\1` argument. Try at least `\1=\3`.",
    ),
    (
        r"^gradient_clip_val=.*automatic_optimization=False",
        r"Automatic gradient clipping is not supported for manual optimization.",
    ),
    (
        r"^accumulate_grad_batches=.*automatic_optimization=False",
        r"Automatic gradient accumulation is not supported for manual optimization.",
    ),
    (r"^ckpt_path='(.*?)' does not exist", r"Checkpoint file not found: \1"),
    (
        r"^save_top_k=-\d+ is not possible",
        r"Must be >= -1",
    ),
    (
        r"^save_top_k=(\d+) is not possible: .* with monitor=None",
        r"ModelCheckpoint(save_top_k=\1, monitor=None) is not a valid",
    ),
    (
        r"^every_n_(epochs|train_steps)=-",
        r"Must be >= 0",
    ),
    (
        r"a callback has one trigger",
        r"Combination of parameters every_n_train_steps",
    ),
    (
        r"^mode='?(\w+)'? is not possible: allowed is 'min' or 'max'",
        r"`mode` can be min, max but got \1",
    ),
    (
        r"^enable_checkpointing=False is not possible while callbacks holds an? (\w+)",
        r"`enable_checkpointing=False` but found `\1`",
    ),
    (
        r"^enable_progress_bar=False is not possible while callbacks holds an? (\w+)",
        r"`enable_progress_bar=False` but found `\1`",
    ),
    (
        r"^enable_model_summary=False is not possible while callbacks holds an? (\w+)",
        r"`enable_model_summary=False` but found `\1`",
    ),
    (
        r"^swa_epoch_start=",
        r">0 integer or a float between 0 and 1",
    ),
    (
        r"^swa_lrs=",
        r"positive float, or a list of positive floats",
    ),
    (
        r"^parameter_names=\['(\w+)'\] is not possible",
        r"\1 isn't in ('weight', 'bias')",
    ),
    (
        r"^pruning_fn=.*: allowed is '",
        r"expected to be a str in [",
    ),
    (
        r"needs pruning_dim, ",
        r"`pruning_dim` should be provided",
    ),
    (
        r"needs pruning_norm, ",
        r"requesting `ln_structured` pruning, the `pruning_norm` should be provided",
    ),
    (
        r"^pruning_fn=\w+ is structured",
        r'Only the "unstructured" PRUNING_TYPE is supported with `use_global_unstructured=True`',
    ),
    (
        r"use_global_unstructured=False is not possible with a class",
        r"is currently only supported with `use_global_unstructured=True`",
    ),
    (
        r"^verbose=.*: allowed is 0, 1 or 2",
        r"must be any of (0, 1, 2)",
    ),
    (
        r"^scheduling=\{\} is not possible",
        r"Empty dict cannot be interpreted correct",
    ),
    (
        r"^scheduling=\{(?=.*(?:-\d+|'): )",
        r"Epoch should be an int",
    ),
    (
        r"^scheduling=\{(?=.*: (?:-\d+|0\b|'|\d+\.))",
        r"Accumulation factor should be an int",
    ),
    (
        r"^write_interval=",
        r"`write_interval` should be one of ['batch', 'epoch', 'batch_and_epoch']",
    ),
    (
        r"^DeviceStatsMonitor needs a logger",
        r"Cannot use `DeviceStatsMonitor` callback with `Trainer(logger=False)`.",
    ),
    (
        r"^LearningRateMonitor needs a logger",
        r"Cannot use `LearningRateMonitor` callback with `Trainer` that has no logger.",
    ),
    (
        r"^LearningRateMonitor: several parameter groups",
        r"A single `Optimizer` cannot have multiple parameter groups with identical",
    ),
    (
        r"^logging_interval=",
        r"logging_interval should be `step` or `epoch` or `None`",
    ),
    (
        r"^interval=.*: allowed is 'step' or 'epoch'",
        r"Unsupported parameter value",
    ),
    (
        r"^EarlyStopping\(monitor='([^']+)'\): no metric of that name",
        r"Early stopping conditioned on metric `\1` which is not available.",
    ),
    (
        r"^ModelCheckpoint\(monitor='([^']+)'\): no metric of that name",
        r"`ModelCheckpoint(monitor='\1')` could not find the monitored key in the returned metrics",
    ),
    (
        r"^max_depth=(\S+) is not possible",
        r"`max_depth` can be -1, 0 or > 0, got \1",
    ),
    (
        r"^The search for a batch size makes loaders anew",
        r"The Batch size finder cannot be used with dataloaders passed directly",
    ),
    (
        r"^mode=.*: allowed is 'power' or 'binsearch'",
        r"`mode` should be either of",
    ),
    (
        r"^mode=.*: allowed is 'exponential' or 'linear'",
        r"`mode` should be either of",
    ),
    (
        r"^method=('\w+') is not possible",
        r"method \1 is invalid.",
    ),
    (
        r"are not possible with method='\w+': pass dataloaders",
        r"please consider setting `dataloaders` instead",
    ),
    (
        r"^dataloaders is not possible with method='fit'",
        r"please consider setting `train_dataloaders` and `val_dataloaders` instead",
    ),
    (
        r"^lr_find\(method\)=",
        r"method='fit' is the only valid configuration to run lr finder.",
    ),
    (
        r"have an attribute '(\w+)', which the search sets.*batch_arg_name",
        r"Field \1 not found in `model`, `datamodule`, nor their `hparams` attributes.",
    ),
    (
        r"have an attribute .*, which the search sets.*attr_name",
        r"should have one of these fields",
    ),
    (
        r"^The Trainer has a (\w+), which searches when",
        r"Trainer is already configured with a `\1` callback.",
    ),
    (
        r"^LightningDataModule has no (\w+_dataloader)",
        r"`\1` must be implemented",
    ),
    (
        r"^clip_gradients got (\w+=\S+) and the Trainer has (\w+=\S+)\. ",
        r"\2)` and have passed `clip_gradients(\1",
    ),
    (
        r"^sort_by_key='(\w+)' is not possible",
        r"Found sort_by_key: \1. Should be within",
    ),
    (
        r"^CombinedLoader\(mode\)=(\S+) is not possible",
        r"Unsupported mode \1, please select one of",
    ),
    (
        r"is not attached to a Trainer",
        r"is not attached to a `Trainer`",
    ),
    (r"^\w+ has neither predict_step nor forward", r"`Trainer.predict` requires `forward` method to run."),
    (
        r"^Trainer\.(\w+) has no data: .* or pass (\w+)",
        r"An invalid dataloader was passed to `Trainer.\1(\2=...)`. Found None. Either pass the dataloader to the "
        r"`.\1()` method OR implement it.",
    ),
    (r"^self\.log\('.*?', …\) is not possible now", r"the result collection is not registered yet"),
)
