from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import ExponentialLR

from leyden import LightningModule
from leyden.errors import ConfigurationError
from leyden_option_fast import CompiledStep, CUDAGraphs
from leyden_option_fast.compiled import CompiledUpdate

QUICK = {"backend": "aot_eager"}
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script_method:DeprecationWarning"
)  # torch's own imports


@pytest.fixture(autouse=True)
def fresh() -> Any:
    """What others compiled does not count."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize(
    "make", [partial(SGD, lr=0.1, momentum=0.9), partial(Adam, lr=0.01)], ids=["sgd", "adam"]
)
def test_the_compiled_step_ends_where_the_ordinary_one_does(
    kit: Any, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    falling = partial(ExponentialLR, gamma=0.9)
    plain, quick = (kit.Net(make, dropout=0.3, scheduler=falling) for _ in range(2))
    options = {"gradient_clip_val": 0.5, "accumulate_grad_batches": 2}
    torch.manual_seed(3)
    one = kit.fitted(plain, False, **options)
    torch.manual_seed(3)
    caplog.set_level(logging.INFO, "leyden")
    two = kit.fitted(quick, CompiledStep(**QUICK), **options)
    kit.assert_close(plain, quick)
    assert set(one.callback_metrics) == set(two.callback_metrics) == {"loss", "loss_step", "loss_epoch"}
    for name, value in one.callback_metrics.items():
        torch.testing.assert_close(value, two.callback_metrics[name], rtol=1e-4, atol=1e-5)
    rates = [trainer.optimizers[0].param_groups[0]["lr"] for trainer in (one, two)]
    assert rates[0] == rates[1]
    assert isinstance(rates[1], float)
    assert "fast: compile: 3 pieces of code were compiled" in caplog.text
    assert two.running is None or "training_step" not in vars(quick)


def test_a_schedule_causes_no_new_compilation(kit: Any) -> None:
    technique = CompiledStep(**QUICK)
    kit.fitted(kit.Net(partial(Adam, lr=0.01), scheduler=partial(ExponentialLR, gamma=0.9)), technique)
    assert technique.count.graphs >= 2
    assert technique.count.again <= 1  # the first step of an optimizer makes its state


def test_new_sizes_are_counted_as_new_compilations(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "leyden")
    technique = CompiledStep(dynamic=False, optimizer=False, **QUICK)
    kit.fitted(kit.Net(partial(SGD, lr=0.1)), technique, kit.data(42, batch_size=4), max_epochs=1)
    assert (technique.count.graphs, technique.count.again) == (1, 1)  # the last batch has 2 samples
    assert technique.count.seconds > 0
    assert "1 pieces of code were compiled, and 1 times one anew" in caplog.text
    assert "TORCH_LOGS=recompiles" in caplog.text


def test_fused_and_compiled_go_together(kit: Any) -> None:
    plain, quick = (kit.Net(partial(Adam, lr=0.01)) for _ in range(2))
    kit.fitted(plain, False)
    seen = []
    quick.__dict__["on_train_end"] = lambda: seen.append(quick.trainer.running.step)
    kit.fitted(quick, ["fused", CompiledStep(**QUICK)])
    kit.assert_close(plain, quick)
    assert not isinstance(seen[0].apply, CompiledUpdate)  # the fused kernel is left as it is


def test_what_an_exception_leaves_behind_is_the_ordinary_step(kit: Any) -> None:
    module = kit.Net(partial(SGD, lr=0.1))

    def fails(*args: Any) -> None:
        raise RuntimeError("stop")

    module.__dict__["on_train_epoch_end"] = fails
    with pytest.raises(RuntimeError, match="stop"):
        kit.fitted(module, CompiledStep(**QUICK))
    assert "training_step" not in vars(module)
    assert module._compiler_ctx is None


class Manual(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.net = torch.nn.Linear(6, 1)

    def training_step(self, batch: Any) -> None:
        optimizer = self.optimizers()
        self.manual_backward(self.net(batch[0]).sum())
        optimizer.step()

    def configure_optimizers(self) -> Any:
        return SGD(self.parameters(), lr=0.1)


def test_what_cannot_be_compiled_is_refused_before_the_first_step(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"fast='compile' is not possible: manual optimization"):
        kit.fitted(Manual(), CompiledStep(**QUICK))
    with pytest.raises(
        ConfigurationError, match=r"fast='cuda-graphs' is not possible: it needs a CUDA device"
    ):
        kit.fitted(kit.Net(partial(SGD, lr=0.1)), "cuda-graphs")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ConfigurationError, match=r"inductor needs a C\+\+ compiler"):
        kit.fitted(kit.Net(partial(SGD, lr=0.1)), "compile")


def test_cuda_graphs_mark_where_a_step_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: marks.append(True))
    technique = CUDAGraphs()
    assert technique.settings()["options"]["triton.cudagraphs"] is True
    assert technique.around(lambda batch, index: batch + index)(2, 3) == 5
    assert marks == [True]


@pytest.mark.slow
def test_inductor_finds_in_its_cache_what_an_earlier_run_compiled(
    kit: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    caplog.set_level(logging.INFO, "leyden")
    plain, quick, again = (kit.Net(partial(SGD, lr=0.1), dropout=0.3) for _ in range(3))
    for module, fast in ((plain, False), (quick, True), (again, True)):
        torch.manual_seed(3)
        torch._dynamo.reset()
        kit.fitted(module, CompiledStep(optimizer=False) if fast else False, max_epochs=1)
    kit.assert_close(plain, quick)  # dropout drops the same
    kit.assert_close(plain, again)
    assert "graphs were found in the cache of earlier runs" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_graphs_end_where_the_ordinary_steps_do(kit: Any) -> None:
    plain, quick = (kit.Net(partial(Adam, lr=0.01)) for _ in range(2))
    kit.fitted(plain, False, accelerator="cuda")
    kit.fitted(quick, ["fused", "cuda-graphs", "prefetch"], accelerator="cuda")
    kit.assert_close(plain.cpu(), quick.cpu())
