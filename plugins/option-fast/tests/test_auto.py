from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import Adam, RMSprop

from leyden.api.warn import LeydenWarning
from leyden_option_fast import ChannelsLast, CompiledStep, auto
from leyden_option_fast.auto import Auto
from leyden_option_fast.technique import Technique

SLOW = 1e-3


class Pretended(Technique):
    """Takes as long as it says, on or off, and multiplies what training_step returns.

    Args:
        seconds: more than without it.
        factor: 1 computes the same.
    """

    name, part = "pretended", "gradients"

    def __init__(self, seconds: float, factor: float = 1.0) -> None:
        self.seconds, self.factor = seconds, factor
        self.ended = 0

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        return None

    def begin(self, trainer: Any, module: Any) -> None:
        self.step, self.plain = trainer.running.step, trainer.running.step.training_step
        self.switch(True)

    def switch(self, on: bool) -> None:
        def call(batch: Any, batch_idx: int) -> Any:
            spent.append(self.seconds if on else SLOW)
            return self.plain(batch, batch_idx) * (self.factor if on else 1)

        self.step.training_step = call

    def end(self) -> None:
        self.ended += 1
        self.step.training_step = self.plain


spent: list[float] = []
"""What :class:`Pretended` has let pass."""


class Clock:
    """Time passes only where somebody says so."""

    def perf_counter(self) -> float:
        return sum(spent)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    spent.clear()
    monkeypatch.setattr(auto, "time", Clock())


def trained(kit: Any, candidates: Any, module: Any = None, pays: float = 0.0, **options: Any) -> Any:
    from leyden import Trainer

    trainer = Trainer(
        accelerator="cpu", devices=1, max_epochs=8, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, **options,
    )  # fmt: skip
    trainer.add_listener(Auto(lambda trainer: candidates, pays))
    trainer.fit(module or kit.Net(partial(Adam, lr=0.01)), kit.data())
    return trainer


@pytest.mark.parametrize(("seconds", "kept"), [(SLOW / 2, True), (SLOW, False), (2 * SLOW, False)])
@pytest.mark.parametrize("window", [1, 2])
def test_what_is_faster_is_kept_and_what_is_not_is_left(
    kit: Any, caplog: pytest.LogCaptureFixture, seconds: float, kept: bool, window: int
) -> None:
    caplog.set_level(logging.INFO, "leyden")
    one = Pretended(seconds)
    plain, module = (kit.Net(partial(Adam, lr=0.01)) for _ in range(2))
    trained(kit, [], plain, accumulate_grad_batches=window, max_steps=30)
    trainer = trained(kit, [one], module, accumulate_grad_batches=window, max_steps=30)
    assert f"it is {'kept' if kept else 'not kept'}." in caplog.text
    assert f"the fit uses {'pretended' if kept else 'nothing that was tried'}." in caplog.text
    assert one.ended == 1  # at once, or when the fit is over
    assert not {"gradients", "step"} & set(vars(trainer.session.step))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), module.parameters(), strict=True))


def test_a_step_that_computes_something_else_is_given_up_and_leaves_no_trace(kit: Any) -> None:
    plain, module = (kit.Net(partial(Adam, lr=0.01), dropout=0.3) for _ in range(2))
    torch.manual_seed(5)
    trained(kit, [], plain)
    torch.manual_seed(5)
    wrong = Pretended(SLOW / 2, factor=1.1)
    with pytest.warns(
        LeydenWarning, match=r"\[fast-fallback\] fast: pretended is not used .*differed by 0\.1"
    ):
        trained(kit, [wrong], module)
    assert wrong.ended == 1
    kit.assert_close(plain, module)  # gradients of the ordinary step took the place of the wrong ones


def test_a_module_that_cannot_be_copied_is_left_alone_with_the_reason(kit: Any) -> None:
    class Stubborn(kit.Net):  # type: ignore[misc]
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("no copies of me")

    with pytest.warns(LeydenWarning, match=r"a copy of the module could not.*no copies of me"):
        trained(kit, [Pretended(SLOW / 2)], Stubborn(partial(Adam, lr=0.01)))


def test_a_compilation_is_tried_where_the_fit_is_long_enough(
    kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "leyden")
    compiled = CompiledStep(backend="aot_eager", optimizer=False)
    trained(kit, [compiled], pays=1e9)
    assert "a compilation is tried where it takes 1000000000 s" in caplog.text
    assert compiled.count.graphs == 0
    plain, module = (kit.Net(partial(Adam, lr=0.01), dropout=0.2) for _ in range(2))
    torch.manual_seed(5)
    trained(kit, [], plain)
    torch.manual_seed(5)
    trained(kit, [compiled], module)
    assert compiled.count.graphs == 1
    kit.assert_close(plain, module)
    assert plain.trainer.callback_metrics.keys() == module.trainer.callback_metrics.keys()


@pytest.mark.filterwarnings("ignore:Deterministic")
def test_what_is_not_measured_is_said(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leyden")
    kit.fitted(kit.Net(partial(Adam, lr=0.01)), "auto", deterministic=True)
    assert "nothing but fused optimizers is tried: deterministic runs" in caplog.text
    assert "Adam is fused, compared" in caplog.text


def test_the_keyword_picks_from_all_that_there_is(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leyden")
    kit.fitted(kit.Net(RMSprop), "auto")
    for text in (
        "prefetch is not used: batches are not copied",
        "channels-last is not used: the module has no",
        "fused is not used: RMSprop: torch has no fused kernel",
        "compile is not used: the fit takes another",
        "uses nothing that was tried",
    ):
        assert f"fast: {text}" in caplog.text or text in caplog.text


def test_channels_last_ends_where_the_ordinary_layout_does(kit: Any) -> None:
    class Convolutions(kit.Net):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(partial(Adam, lr=0.01))
            self.net = torch.nn.Sequential(
                torch.nn.Conv2d(2, 4, 2, bias=False),
                torch.nn.BatchNorm2d(4),
                torch.nn.Flatten(),
                torch.nn.Linear(8, 1),
            )

        def training_step(self, batch: Any) -> Any:
            layouts.append(self.net[0].weight.is_contiguous())
            images = batch[0].reshape(-1, 1, 2, 3).expand(-1, 2, -1, -1)
            return (self.net(images) - batch[1]).square().mean()

    layouts: list[bool] = []
    plain, quick, picked = Convolutions(), Convolutions(), Convolutions()
    kit.fitted(plain, False)
    assert all(layouts)
    layouts.clear()
    kit.fitted(quick, ["channels-last", "fused"])
    assert not any(layouts)
    assert quick.net[0].weight.is_contiguous()
    kit.assert_close(plain, quick)
    trained(kit, [ChannelsLast()], picked, max_steps=20)
    assert {True, False} <= set(layouts)
