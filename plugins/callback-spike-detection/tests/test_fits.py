from __future__ import annotations

import json
from math import inf, nan
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from leyden import Callback
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden.testing import HostStrategy, TinyData, TinyModule
from leyden_callback_spike_detection import SkipBatches, SpikeDetection, TrainingSpikeException


def given_losses(bench: Any, scale: float = 1.0) -> Any:
    class Module(bench.api.LightningModule):  # type: ignore[misc]
        """Its losses are its data."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(scale))

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return batch.mean() * self.scale / self.scale.detach()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    return Module()


def data(losses: Any) -> Any:
    return DataLoader(torch.tensor(losses), batch_size=1)  # type: ignore[arg-type]


SMOOTH = [1.0, 0.9, 0.8, 0.7, 0.6]
CASES: list[tuple[dict[str, Any], list[float]]] = [
    ({}, SMOOTH),
    ({}, [*SMOOTH, 5.0, 0.5]),
    ({}, [*SMOOTH, 2.2, 0.5, 9.0]),
    ({"rtol": None, "atol": 0.5}, [*SMOOTH, 1.2, 1.4, 0.1]),
    ({"rtol": 0.1, "atol": 3.0}, [*SMOOTH, 1.2, 8.0]),
    ({"mode": "max", "rtol": 0.5}, [1.0, 2.0, 3.0, 0.1]),
    ({"mode": "max", "rtol": 0.5}, [1.0, 2.0, 30.0]),
    ({"warmup": 4}, [1.0, 9.0, 99.0, 1.0, 0.5, 999.0]),
    ({"warmup": 0}, [3.0, 2.0]),
    ({"window": 2}, [10.0, 10.0, 10.0, 1.0, 1.0, 4.0]),
    ({"window": 6}, [10.0, 10.0, 10.0, 1.0, 1.0, 4.0]),
    ({}, [1.0, 0.5, nan, 0.5]),
    ({}, [1.0, 0.5, inf]),
    ({}, [1.0, 0.5, -inf]),
    ({"finite_only": False}, [1.0, 0.5, nan, 0.4, 8.0]),
    ({"finite_only": False}, [1.0, 0.5, -inf, 0.4]),
    ({"finite_only": False}, [1.0, 0.5, inf]),
]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_as_lightning(both: Any, case: int) -> None:
    """The same spike in the same batch, the same file."""
    arguments, losses = CASES[case]
    found = []
    for bench in both:
        detection = detection_of(bench)(**arguments, exclude_batches_path=str(bench.folder / "here"))
        spike = None
        try:
            bench.fit(given_losses(bench), detection, data=data(losses), max_epochs=2)
        except RuntimeError as error:
            spike = type(error).__name__, str(error)
        path = bench.folder / "here" / "skip_batches.json"
        found.append((spike, path.read_text() if path.exists() else None, detection.bad_batches))
        found[-1] += (detection.state_key,)
    assert found[0] == found[1]


def detection_of(bench: Any) -> Any:
    if bench.ours:
        return SpikeDetection
    from importlib import import_module

    return import_module("pytorch_lightning.callbacks.spike").SpikeDetection


def spike(bench: Any, losses: list[float], *others: Any, **arguments: Any) -> SpikeDetection:
    detection = SpikeDetection(**arguments)
    with pytest.raises(TrainingSpikeException):
        bench.fit(given_losses(bench), detection, *others, data=data(losses))
    return detection


def test_where_the_file_is(bench: Any) -> None:
    losses = [*SMOOTH, 9.0]
    spike(bench, losses)
    spike(bench, losses, exclude_batches_path=bench.folder / "a" / "b.json")
    spike(bench, losses, exclude_batches_path=str(bench.folder / "c"))
    for name in ("skip_batches.json", "a/b.json", "c/skip_batches.json"):
        assert json.loads((bench.folder / name).read_text()) == [4, 5]


def test_the_first_batch(bench: Any) -> None:
    assert spike(bench, [nan, 1.0], warmup=0).bad_batches == [0]


def test_a_spike_of_another_process(bench: Any) -> None:
    class Elsewhere(HostStrategy):
        def reduce_boolean_decision(self, decision: bool, all: bool = True) -> bool:
            return decision if all else True

    trainer = bench.trainer(SpikeDetection(), strategy=Elsewhere(1, 2))
    with pytest.raises(TrainingSpikeException):
        trainer.fit(given_losses(bench), data(SMOOTH))
    assert not (bench.folder / "skip_batches.json").exists()


def test_what_has_no_loss(bench: Any) -> None:
    class Manual(TinyModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return {"value": 3}

    with pytest.raises(UserCodeError, match="SpikeDetection needs the loss"):
        bench.trainer(SpikeDetection()).fit(Manual(), TinyData())


def test_batches_without_a_loss_are_not_looked_at(bench: Any) -> None:
    class Skipping(TinyModule):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return None

    bench.trainer(SpikeDetection(warmup=0)).fit(Skipping(), TinyData())


def test_resuming(bench: Any) -> None:
    losses = [10.0, 8.0, 6.0, 5.0, 4.0, 21.0]
    path = bench.folder / "a.ckpt"

    class Saving(Callback):
        def on_train_batch_end(
            self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            if batch_idx == 4:
                trainer.save_checkpoint(path)

    first = spike(bench, losses, Saving())
    state = torch.load(path)["callbacks"]["SpikeDetection"]
    assert state["running"] == {"values": losses[:5]}
    second = SpikeDetection()
    with pytest.raises(TrainingSpikeException):
        bench.fit(given_losses(bench), second, data=data(losses), ckpt_path=path)
    assert second.bad_batches == first.bad_batches == [4, 5]
    skip = SkipBatches()
    bench.fit(given_losses(bench), skip, SpikeDetection(), data=data(losses), ckpt_path=path, max_epochs=1)
    assert skip.skipped == [(0, 5)]


def test_settings_are_those_of_the_constructor() -> None:
    detection = SpikeDetection(rtol=1.0, atol=2.0, warmup=3)
    detection.load_state_dict(SpikeDetection(mode="max").state_dict())
    assert (detection.mode, detection.rtol, detection.atol, detection.warmup) == ("min", 1.0, 2.0, 3)


class Counting(TinyModule):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.seen.append((self.current_epoch, batch_idx))
        return super().training_step(batch, batch_idx)


@pytest.mark.parametrize("every_epoch", [False, True])
def test_skipping(bench: Any, every_epoch: bool) -> None:
    (bench.folder / "skip_batches.json").write_text("[1, 7]")
    module, skip = Counting(), SkipBatches(every_epoch=every_epoch)
    bench.trainer(skip, max_epochs=3).fit(module, TinyData())
    left_out = {(epoch, 1) for epoch in (range(3) if every_epoch else range(1))}
    assert set(module.seen) == {(epoch, index) for epoch in range(3) for index in range(2)} - left_out
    assert set(skip.skipped) == left_out


def test_what_is_skipped_changes_nothing(bench: Any) -> None:
    path = bench.folder / "all.json"
    path.write_text("[0, 1]")
    module = TinyModule()
    before = module.layer.weight.clone()
    bench.trainer(SkipBatches(path), max_epochs=1).fit(module, TinyData())
    assert torch.equal(module.layer.weight, before)


def test_without_a_file(bench: Any) -> None:
    module = Counting()
    bench.trainer(SkipBatches(bench.folder / "none.json"), max_epochs=1).fit(module, TinyData())
    assert len(module.seen) == 2


@pytest.mark.parametrize("text", ["{}", '["1"]', "[true]", "[1.5]", "no"], ids=repr)
def test_files_that_hold_something_else(bench: Any, text: str) -> None:
    path = bench.folder / "a.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"a\.json (holds|is no JSON)"):
        bench.trainer(SkipBatches(path)).fit(TinyModule(), TinyData())


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("mode", "low", ConfigurationError),
        ("window", 0, ConfigurationError),
        ("window", 2.0, ArgumentTypeError),
        ("warmup", -1, ConfigurationError),
        ("warmup", None, ArgumentTypeError),
        ("atol", "1", ArgumentTypeError),
        ("rtol", True, ArgumentTypeError),
        ("exclude_batches_path", 3, ArgumentTypeError),
        ("finite_only", 1, ArgumentTypeError),
    ],
)
def test_arguments(argument: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(ConfigurationError, match=f"{argument}={value!r}") as caught:
        SpikeDetection(**{argument: value})
    assert type(caught.value) is kind


def test_arguments_of_skipping() -> None:
    for arguments in ({"path": 3}, {"every_epoch": 1}):
        with pytest.raises(ArgumentTypeError, match=next(iter(arguments))):
            SkipBatches(**arguments)  # type: ignore[arg-type]
