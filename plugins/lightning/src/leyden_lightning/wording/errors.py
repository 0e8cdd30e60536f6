"""Errors."""

from __future__ import annotations

KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"^Trainer\.(\w+)\(model\)=([\w.]+).*allowed is a LightningModule",
        r"`model` must be a `LightningModule` or `torch._dynamo.OptimizedModule`, got `\2`",
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
)
