"""Errors of what calls are given, and of what the methods of a program give back."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^configure_optimizers returned \d+ optimizers, and \w+\.training_step takes",
        r"Training with multiple optimizers is only supported with manual optimization.",
    ),
    (
        r"^training_step returned .*a mapping with a tensor under 'loss'",
        r"In automatic_optimization, `training_step` must return a Tensor, a dict, or None; when it returns a dict, "
        r"the 'loss' key needs to be present.",
    ),
    (
        r"^optimizer\.step\(closure=.*a closure is callable",
        r"When `optimizer.step(closure)` is called, the closure should be callable",
    ),
    (
        r"^\w+ has no module in its attribute 'backbone'",
        r"The LightningModule should have a nn.Module `backbone` attribute",
    ),
    (
        r"^GradientAccumulationScheduler works with automatic optimization alone",
        r"Automatic gradient accumulation and the `GradientAccumulationScheduler` is not supported for manual "
        r"optimization.",
    ),
    (
        r"^accumulate_grad_batches=.* beside a GradientAccumulationScheduler",
        r"You have set `accumulate_grad_batches` and are using the `GradientAccumulationScheduler` callback.",
    ),
    (r"^duration=(.*) is not possible", r"`Timer(duration=\1)` is not a valid duration."),
    (
        r"^Trainer\.fit got both \w+ and datamodule",
        r"You cannot pass `train_dataloader` or `val_dataloaders` to `trainer.fit(datamodule=...)`",
    ),
    (
        r"^Trainer\.(validate|test|predict) got both \w+ and datamodule",
        r"You cannot pass both `trainer.\1(dataloaders=..., datamodule=...)`",
    ),
    (
        r"^train_dataloaders gave (.*) \(\w+\); allowed is an iterable of batches",
        r"An invalid dataloader was passed to `Trainer.fit(train_dataloaders=...)`. Found \1.",
    ),
    (
        r"^val_dataloaders gave (.*) \(\w+\); allowed is an iterable of batches",
        r"An invalid dataloader was passed to `Trainer.fit(val_dataloaders=...)`. "
        r"An invalid dataloader was passed to `Trainer.validate(dataloaders=...)`. Found \1.",
    ),
    (
        r"^(test|predict)_dataloaders gave (.*) \(\w+\); allowed is an iterable of batches",
        r"An invalid dataloader was passed to `Trainer.\1(dataloaders=...)`. Found \2.",
    ),
    (
        r"^(\w+)\.(\w+_dataloader) gave (.*) \(\w+\); allowed is an iterable of batches",
        r"An invalid dataloader was returned from `\1.\2()`. Found \3.",
    ),
    (
        r"^ckpt_path=.* is of epoch (\d+), and max_epochs=(\d+)",
        r"You restored a checkpoint with current_epoch=\1, but you have set Trainer(max_epochs=\2).",
    ),
    (
        r"'optimizer_states'\): it was saved with weights only",
        r"Trying to restore optimizer state but checkpoint contains only the model.",
    ),
    (
        r"^You added multiple progress bar callbacks",
        r"You added multiple progress bar callbacks to the Trainer, but currently only one progress bar is supported.",
    ),
    (
        r"^callbacks holds two of state_key=.* \((\w+)\): a checkpoint",
        r"Found more than one stateful callback of type `\1`.",
    ),
    (r"^(\w+) has no (\w+), and Trainer\.(\w+) needs it", r"No `\2()` method defined to run `Trainer.\3`."),
    (
        r"^predict_step=None",
        r"`predict_step` cannot be None to run `Trainer.predict`",
    ),
    (
        r"^ckpt_path='hpc': no checkpoint",
        r'`.fit(ckpt_path="hpc")` `.validate(ckpt_path="hpc")` `.test(ckpt_path="hpc")` is set but no HPC checkpoint '
        r"was found. Please pass an exact checkpoint path.",
    ),
    (
        r"^val_check_interval='(.*)' is not possible",
        r"Invalid time format for `val_check_interval`: '\1'. Expected 'DD:HH:MM:SS'.",
    ),
    (
        r"^(limit_\w+_batches|overfit_batches|val_check_interval)=(\S+) is not possible: allowed is an int of at least",
        r"it has to be in [0.0, 1.0] or an int.",
    ),
    (
        r"^The metric logged as '(.*)' computed ",
        r"The `.compute()` return of the metric logged as '\1' must be a tensor.",
    ),
    (
        r"^(\w+) was called while automatic_optimization=True",
        r"to use \1, please disable automatic optimization: set model property `automatic_optimization` as False",
    ),
    (
        r"^self\.log\('(.*?)', on_step=True\) is not possible in (\w+)",
        r"You can't `self.log('\1', ..., on_step=True)` inside `\2`, must be one of (False,).",
    ),
    (
        r"^self\.log\('(.*?)', …\) is not possible in (\w+): allowed",
        r"You can't `self.log()` inside `\2`. In predict, the result collection is not registered yet.",
    ),
    (r"^save_hyperparameters\((.*)\) is not possible", r"Primitives \1 are not allowed."),
    (r"^hparams_file=", r".csv, .yml or .yaml is required for `hparams_file`"),
    (
        r"^load_from_checkpoint makes a new object and was called on an instance of (\w+)",
        r"The classmethod `\1.load_from_checkpoint` cannot be called on an instance.",
    ),
    (
        r"^StochasticWeightAveraging works with one optimizer",
        r"SWA currently works with 1 `optimizer`. SWA currently not supported for more than 1 `lr_scheduler`.",
    ),
    (r"^avg_fn=", r"The `avg_fn` should be callable."),
    (r"^device=.*is not possible", r"device is expected to be a torch.device or a str."),
    (
        r"^swa_epoch_start=.*with max_epochs=-1",
        r"SWA with `swa_epoch_start` as a float is not supported when `max_epochs=-1`.",
    ),
    (
        r"^Exporting \w+ as 'onnx' needs a sample",
        r"Could not export to ONNX since neither `input_sample` nor `model.example_input_array` attribute is set.",
    ),
    (
        r"^method=.*allowed is 'script' or 'trace'",
        r"The 'method' parameter only supports 'script' or 'trace'.",
    ),
    (
        r"^CombinedLoader\.flattened=.*a list of (\d+) iterables\. It has (\d+)",
        r"Mismatch in flattened length (\2) and existing length (\1)",
    ),
    (
        r"^CombinedLoader\.limits=.*for each of (\d+) iterables\. There are (\d+)",
        r"Mismatch in number of limits (\2) and number of iterables (\1)",
    ),
    (
        r"^CombinedLoader\(mode\)='?(\w+)'? .* for training",
        r'`_FitLoop` does not support the `CombinedLoader(mode="\1")` mode.',
    ),
    (
        r"have an attribute '(\w+)', which the search sets.*attr_name",
        r"The attribute name for the learning rate was set to \1, but could not find this as a field",
    ),
    (r"^(\w+) has no bar for (\w+) yet", r"The `\1._\2_progress_bar` reference has not been set yet."),
    (r"^(\w+) belongs to no run yet", r"The `\1._trainer` reference has not been set yet."),
    (
        r"^log_model=(\S+) is not possible.*with offline=(\w+)",
        r"Providing log_model=\1 and offline=\2 is an invalid configuration",
    ),
    (r"^amount=", r"`amount` should be provided and be either an int, a float or Callable function."),
    (
        r"^pruning_fn='(.*)' is not possible",
        r"The provided `pruning_fn` \1 isn't available in PyTorch's built-in functions:",
    ),
    (r"^parameters_to_prune: ", r"Some provided `parameters_to_prune` don't exist in the model."),
    (
        r"^parameters_to_prune=",
        r"The provided `parameters_to_prune` should either be list of tuple with 2 elements",
    ),
    (
        r"^profiler='(\w+)' is not possible",
        r"When passing string value for the `profiler` parameter of `Trainer`, it can only be one of",
    ),
    (
        r"^strict=(\w+) is not possible.*strict_loading=(\w+)",
        r"You set `.load_from_checkpoint(..., strict=\1)` which is in conflict with `strict_loading=\2`.",
    ),
)
