"""In which order hooks fire for the first time, when one Trainer fits, validates, tests and predicts."""

from __future__ import annotations

from collections.abc import Iterable

BEFORE = ("leyden_run_start", "prepare_data", "setup", "on_load_checkpoint", "leyden_read_checkpoint")
"""Until the stage begins."""
STAGES = (
    *("on_fit_start", "leyden_log_hyperparams", "leyden_log_graph", "on_sanity_check_start"),
    *("on_validation_model_eval", "on_validation_start", "on_validation_epoch_start"),
    *("on_validation_batch_start", "on_validation_batch_end", "on_validation_epoch_end", "on_validation_end"),
    *("on_validation_model_train", "on_sanity_check_end", "on_train_start", "on_train_epoch_start"),
    *("on_train_batch_start", "on_before_zero_grad", "on_before_backward", "on_after_backward"),
    *("on_before_optimizer_step", "leyden_update_end", "on_train_batch_end", "on_validation_model_zero_grad"),
    *("leyden_log_metrics", "on_train_epoch_end", "on_save_checkpoint", "leyden_write_checkpoint"),
    *("leyden_checkpoint_saved", "leyden_checkpoint_tracked", "on_train_end", "on_fit_end"),
    *("on_test_model_eval", "on_test_start", "on_test_epoch_start", "on_test_batch_start"),
    *("on_test_batch_end", "on_test_epoch_end", "on_test_end", "on_test_model_train"),
    *("on_predict_model_eval", "on_predict_start", "on_predict_epoch_start", "on_predict_batch_start"),
    *("on_predict_batch_end", "on_predict_epoch_end", "on_predict_end", "on_predict_model_train"),
)
AFTER = ("on_exception", "teardown", "leyden_finalize", "leyden_export", "leyden_export_end")
"""When the stage is over, however it ended."""
ORDER = (*BEFORE, *STAGES, *AFTER)


def in_calling_order(hooks: Iterable[str]) -> list[str]:
    """Hooks in the order in which they fire; checkpoints stand where an epoch's end saves one."""
    return sorted(hooks, key=ORDER.index)
