"""When validation runs within ``fit``, and over what."""

from __future__ import annotations

from tests.oracle.bench import Bench
from tests.oracle.data import loader, stream
from tests.oracle.scenarios._registry import scenario


@scenario
def validate_each_batch(bench: Bench) -> None:
    bench.fit(callbacks=[bench.callback(), bench.monitor()], val_check_interval=1)


@scenario
def validate_each_second_batch(bench: Bench) -> None:
    bench.fit(train=5, val_check_interval=2, max_epochs=2)


@scenario
def validate_by_fraction(bench: Bench) -> None:
    bench.fit(train=5, val_check_interval=0.5)


@scenario
def validate_each_second_epoch(bench: Bench) -> None:
    bench.fit(check_val_every_n_epoch=2, max_epochs=3, callbacks=[bench.monitor()])


@scenario
def validate_across_epochs(bench: Bench) -> None:
    bench.fit(check_val_every_n_epoch=None, val_check_interval=3, max_epochs=4)


@scenario
def validate_each_second_epoch_and_batch(bench: Bench) -> None:
    bench.fit(train=4, check_val_every_n_epoch=2, val_check_interval=2, max_epochs=2)


@scenario
def validate_stream_by_interval(bench: Bench) -> None:
    bench.fit(train=stream(5), val_check_interval=2)


@scenario
def validate_stream_at_end(bench: Bench) -> None:
    bench.fit(train=stream(3), val=stream(2), max_epochs=2)


@scenario
def several_validation_loaders(bench: Bench) -> None:
    bench.fit(val=[loader(2), loader(1, start=8)], num_sanity_val_steps=1, callbacks=[bench.callback()])


@scenario
def named_validation_loaders(bench: Bench) -> None:
    bench.fit(val={"near": loader(1), "far": loader(2, start=8)})


@scenario
def sanity_check_of_all_batches(bench: Bench) -> None:
    bench.fit(val=3, num_sanity_val_steps=-1, callbacks=[bench.callback()])


@scenario
def no_validation_batches_allowed(bench: Bench) -> None:
    bench.fit(limit_val_batches=0, num_sanity_val_steps=2, callbacks=[bench.callback()])


@scenario
def validation_loader_without_step(bench: Bench) -> None:
    bench.fit(module=bench.module(without=["validation_step"]), num_sanity_val_steps=2)
