"""The run: what happens once in each call of ``fit``, ``validate``, ``test`` or ``predict``."""

from __future__ import annotations

from typing import Any

from leyden.kernel.hookspecs._mark import spec


@spec()
def prepare_data(trainer: Any, pl_module: Any) -> None:
    """Download or prepare data.

    When: before the loggers start; nothing may be kept on ``self``.
    Order: datamodule, callbacks, then the module.
    Ranks: one a node, or rank zero alone when ``prepare_data_per_node`` is false.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def setup(trainer: Any, pl_module: Any, stage: str) -> None:
    """Build what the stage needs.

    When: before the module is placed on its device.
    Order: datamodule, callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def leyden_run_start(trainer: Any, pl_module: Any) -> None:
    """A run begins.

    When: everybody has joined; of the user's methods only ``configure_callbacks`` was called.
    Order: as registered.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_fit_start(trainer: Any, pl_module: Any) -> None:
    """Fitting begins.

    When: after ``configure_optimizers``, before the sanity check.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_fit_end(trainer: Any, pl_module: Any) -> None:
    """Fitting has ended.

    When: after ``on_train_end``, before anything is torn down.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_sanity_check_start(trainer: Any, pl_module: Any) -> None:
    """The sanity check begins.

    When: before the first validation batches that precede training.
    Order: callbacks.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_sanity_check_end(trainer: Any, pl_module: Any) -> None:
    """The sanity check has ended.

    When: its metrics have been dropped.
    Order: callbacks.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_train_start(trainer: Any, pl_module: Any) -> None:
    """Training begins.

    When: before the first epoch.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_train_end(trainer: Any, pl_module: Any) -> None:
    """Training has ended.

    When: after the last epoch, or after an early stop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_start(trainer: Any, pl_module: Any) -> None:
    """Validation begins.

    When: before the epoch hooks of each validation loop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_end(trainer: Any, pl_module: Any) -> None:
    """Validation has ended.

    When: after the epoch hooks of each validation loop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_start(trainer: Any, pl_module: Any) -> None:
    """Testing begins.

    When: before the epoch hooks of each testing loop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_end(trainer: Any, pl_module: Any) -> None:
    """Testing has ended.

    When: after the epoch hooks of each testing loop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_start(trainer: Any, pl_module: Any) -> None:
    """Prediction begins.

    When: before the epoch hooks of each prediction loop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_end(trainer: Any, pl_module: Any) -> None:
    """Prediction has ended.

    When: after the epoch hooks of each prediction loop.
    Order: callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_model_zero_grad(trainer: Any, pl_module: Any) -> None:
    """Release gradients before validation.

    When: before validation inside fit, not in an open accumulation window.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_model_eval(trainer: Any, pl_module: Any) -> None:
    """Put the module into evaluation mode.

    When: before ``on_validation_start``.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_validation_model_train(trainer: Any, pl_module: Any) -> None:
    """Give the module its former mode back.

    When: after ``on_validation_end``.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_model_eval(trainer: Any, pl_module: Any) -> None:
    """Put the module into evaluation mode.

    When: before ``on_test_start``.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_test_model_train(trainer: Any, pl_module: Any) -> None:
    """Give the module its former mode back.

    When: after ``on_test_end``.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_model_eval(trainer: Any, pl_module: Any) -> None:
    """Put the module into evaluation mode.

    When: before ``on_predict_start``.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec()
def on_predict_model_train(trainer: Any, pl_module: Any) -> None:
    """Give the module its former mode back.

    When: after ``on_predict_end``.
    Order: the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def on_exception(trainer: Any, pl_module: Any, exception: BaseException) -> None:
    """A run ends with an exception.

    When: once, before the teardown; ``KeyboardInterrupt`` included.
    Order: callbacks, the datamodule, the strategy, then loggers that have a method of this name.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def teardown(trainer: Any, pl_module: Any, stage: str) -> None:
    """Release what ``setup`` made.

    When: at the end of every run whose ``setup`` was reached, also after an exception.
    Order: datamodule, callbacks, then the module.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def leyden_log_metrics(trainer: Any, pl_module: Any, record: Any) -> None:
    """Reduced metrics are ready to be written.

    When: on a logging step, at an epoch's end, or after evaluation.
    Order: loggers in list order.
    Ranks: zero.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def leyden_log_hyperparams(trainer: Any, pl_module: Any, params: dict[str, Any]) -> None:
    """Hyper-parameters are known.

    When: after ``on_fit_start``.
    Order: loggers in list order.
    Ranks: zero.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def leyden_log_graph(trainer: Any, pl_module: Any) -> None:
    """The module can be drawn.

    When: after ``leyden_log_hyperparams``.
    Order: loggers in list order.
    Ranks: zero.
    Returns: nothing.
    Since: 0.1.
    """


@spec(every=True)
def leyden_finalize(trainer: Any, pl_module: Any, status: str) -> None:
    """The run is over.

    When: last of all; ``status`` is ``success`` or ``failed``.
    Order: loggers in list order.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """
