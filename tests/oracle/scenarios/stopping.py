"""When training ends, and how much of the data it sees."""

from __future__ import annotations

from typing import Any

from tests.oracle.bench import Bench
from tests.oracle.recorder import Body
from tests.oracle.scenarios._registry import scenario


def _stop_in(hook: str, at: int) -> dict[str, Body]:
    def stop(self: Any, trainer: Any, *args: Any) -> None:
        if trainer.global_step == at:
            trainer.should_stop = True

    return {hook: stop}


@scenario
def limits_by_count(bench: Bench) -> None:
    bench.fit(train=5, val=5, limit_train_batches=2, limit_val_batches=1, max_epochs=2)


@scenario
def limits_by_fraction(bench: Bench) -> None:
    bench.fit(train=5, val=4, limit_train_batches=0.5, limit_val_batches=0.5)


@scenario
def no_training_batches_allowed(bench: Bench) -> None:
    bench.fit(limit_train_batches=0, callbacks=[bench.callback()])


@scenario
def max_steps_within_epoch(bench: Bench) -> None:
    bench.fit(train=4, max_steps=3, max_epochs=-1, callbacks=[bench.callback()])


@scenario
def max_steps_across_epochs(bench: Bench) -> None:
    bench.fit(train=2, max_steps=5, max_epochs=-1)


@scenario
def max_steps_at_end_of_epoch(bench: Bench) -> None:
    bench.fit(train=2, max_steps=4, max_epochs=-1)


@scenario
def max_steps_while_accumulating(bench: Bench) -> None:
    bench.fit(train=5, max_steps=2, max_epochs=-1, accumulate_grad_batches=2)


@scenario
def max_steps_of_zero(bench: Bench) -> None:
    bench.fit(max_steps=0, num_sanity_val_steps=1)


@scenario
def max_epochs_of_zero(bench: Bench) -> None:
    bench.fit(max_epochs=0, num_sanity_val_steps=1)


@scenario
def should_stop_within_epoch(bench: Bench) -> None:
    stopper = bench.plain_callback(**_stop_in("on_train_batch_end", 2))
    bench.fit(train=4, callbacks=[stopper, bench.callback()], max_epochs=3)


@scenario
def should_stop_waits_for_epochs(bench: Bench) -> None:
    stopper = bench.plain_callback(**_stop_in("on_train_batch_end", 2))
    bench.fit(train=3, callbacks=[stopper], max_epochs=5, min_epochs=2)


@scenario
def should_stop_waits_for_steps(bench: Bench) -> None:
    stopper = bench.plain_callback(**_stop_in("on_train_batch_end", 1))
    bench.fit(train=3, callbacks=[stopper], max_epochs=5, min_steps=5)


@scenario
def should_stop_at_end_of_epoch(bench: Bench) -> None:
    stopper = bench.plain_callback(**_stop_in("on_train_epoch_end", 4))
    bench.fit(callbacks=[stopper], max_epochs=5)


@scenario
def should_stop_in_validation(bench: Bench) -> None:
    stopper = bench.plain_callback(**_stop_in("on_validation_end", 2))
    bench.fit(train=4, callbacks=[stopper], max_epochs=5, val_check_interval=2)


@scenario
def early_stopping_at_end_of_epoch(bench: Bench) -> None:
    monitor = bench.monitor(mode="max", patience=2)
    bench.fit(callbacks=[bench.callback(), monitor], max_epochs=6)
    bench.facts["state"] = [monitor.stopped_epoch, monitor.wait_count, float(monitor.best_score)]


@scenario
def early_stopping_in_validation(bench: Bench) -> None:
    monitor = bench.monitor(mode="max", patience=2)
    bench.fit(train=4, callbacks=[monitor], max_epochs=6, val_check_interval=2)
    bench.facts["state"] = [monitor.stopped_epoch, monitor.wait_count, float(monitor.best_score)]


@scenario
def early_stopping_on_training_metric(bench: Bench) -> None:
    monitor = bench.monitor(monitor="train_loss", min_delta=0.05, patience=1)
    bench.fit(val=None, callbacks=[monitor], max_epochs=8)
    bench.facts["state"] = [monitor.stopped_epoch, monitor.wait_count, float(monitor.best_score)]


@scenario
def early_stopping_threshold(bench: Bench) -> None:
    monitor = bench.monitor(stopping_threshold=0.3, patience=9)
    bench.fit(callbacks=[monitor], max_epochs=9)
    bench.facts["state"] = [monitor.stopped_epoch, monitor.wait_count, float(monitor.best_score)]


@scenario
def max_time_of_nothing(bench: Bench) -> None:
    bench.fit(max_time="00:00:00:00", max_epochs=3)
