"""Several optimizers in automatic optimization: weights, turns, hooks, counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningModule, Trainer
from leyden.errors import ConfigurationError, UserCodeError

Make = Callable[..., Trainer]


def data(count: int = 12, batch_size: int = 2, seed: int = 0) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(torch.randn(count, 3, generator=generator)), batch_size=batch_size)


def parts() -> tuple[nn.Linear, nn.Linear]:
    torch.manual_seed(7)
    return nn.Linear(2, 3), nn.Linear(3, 1)


def loss_of(generator: nn.Module, critic: nn.Module, real: Tensor, index: int) -> Tensor:
    noise = real[:, :2] * 0.5
    if index == 0:
        return bce(critic(generator(noise)), torch.ones(len(real), 1))
    true = bce(critic(real), torch.ones(len(real), 1))
    false = bce(critic(generator(noise).detach()), torch.zeros(len(real), 1))
    return (true + false) / 2


def optimizers(generator: nn.Module, critic: nn.Module) -> list[torch.optim.Optimizer]:
    return [torch.optim.Adam(generator.parameters(), lr=0.1), torch.optim.SGD(critic.parameters(), lr=0.2)]


class GAN(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = parts()
        self.steps: list[tuple[int, int]] = []

    def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
        self.steps.append((batch_idx, optimizer_idx))
        return loss_of(self.generator, self.critic, batch[0], optimizer_idx)

    def configure_optimizers(self) -> Any:
        return optimizers(self.generator, self.critic), []


def by_hand(loader: DataLoader[Any], epochs: int = 1, window: int = 1, turns: Any = None) -> list[Tensor]:
    """Weights after training each optimizer in its turn on each batch.

    Args:
        loader: the data.
        epochs: how often.
        window: batches whose gradients make one update.
        turns: given a batch's index, the optimizers whose turn it is; both by default.
    """
    generator, critic = parts()
    ones, nets = optimizers(generator, critic), (generator, critic)
    for _ in range(epochs):
        for batch_idx, (real,) in enumerate(loader):
            closes = (batch_idx + 1) % window == 0 or batch_idx + 1 == len(loader)
            for index in (0, 1) if turns is None else turns(batch_idx):
                nets[1 - index].requires_grad_(False)
                loss = loss_of(generator, critic, real, index) / window
                if batch_idx % window == 0:
                    ones[index].zero_grad()
                loss.backward()
                if closes:
                    ones[index].step()
                nets[1 - index].requires_grad_(True)
    return [one.detach().clone() for net in nets for one in net.parameters()]


def weights(module: GAN) -> list[Tensor]:
    return [one.detach().clone() for net in (module.generator, module.critic) for one in net.parameters()]


def assert_equal(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def test_the_weights_are_those_of_the_loop_by_hand(trainer: Make) -> None:
    module = GAN()
    fit = trainer(max_epochs=3)
    fit.fit(module, data())
    assert_equal(weights(module), by_hand(data(), epochs=3))
    assert module.steps[:4] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(module.steps) == 3 * 6 * 2
    assert fit.global_step == 3 * 6 * 2
    assert fit.run_state.counters.updates == 3 * 6


def test_accumulation_of_each(trainer: Make) -> None:
    module = GAN()
    fit = trainer(accumulate_grad_batches=4)
    fit.fit(module, data())
    assert_equal(weights(module), by_hand(data(), window=4))
    assert fit.global_step == 2 * 2  # batches 3 and 5 close a window, each steps both


def alternating(first: int, second: int) -> Callable[[int], list[int]]:
    return lambda batch_idx: [0 if batch_idx % (first + second) < first else 1]


class Alternating(GAN):
    def configure_optimizers(self) -> Any:
        one, other = optimizers(self.generator, self.critic)
        self.rates = [torch.optim.lr_scheduler.StepLR(opt, 1, gamma=0.5) for opt in (one, other)]
        return [
            {
                "optimizer": one,
                "frequency": 1,
                "lr_scheduler": {"scheduler": self.rates[0], "interval": "step"},
            },
            {
                "optimizer": other,
                "frequency": 3,
                "lr_scheduler": {"scheduler": self.rates[1], "interval": "step"},
            },
        ]


def test_frequencies_alternate(trainer: Make) -> None:
    module = Alternating()
    fit = trainer(max_epochs=2)
    fit.fit(module, data())
    assert module.steps == [(i, 0 if i % 4 == 0 else 1) for i in range(6)] * 2
    assert fit.global_step == 12
    # a scheduler steps when its optimizer had its turn: batches 0 and 4 of each epoch, and the other four
    assert fit.optimizers[0].param_groups[0]["lr"] == 0.1 * 0.5**4
    assert fit.optimizers[1].param_groups[0]["lr"] == 0.2 * 0.5**8


def test_the_weights_of_frequencies(trainer: Make) -> None:
    class Module(GAN):
        def configure_optimizers(self) -> Any:
            one, other = optimizers(self.generator, self.critic)
            return {"optimizer": one, "frequency": 2}, {"optimizer": other, "frequency": 1}

    module = Module()
    trainer().fit(module, data())
    assert_equal(weights(module), by_hand(data(), turns=alternating(2, 1)))


def test_every_frequency_or_none(trainer: Make) -> None:
    class Module(GAN):
        def configure_optimizers(self) -> Any:
            one, other = optimizers(self.generator, self.critic)
            return [{"optimizer": one, "frequency": 2}, {"optimizer": other}]

    with pytest.raises(UserCodeError, match="either every optimizer has a 'frequency' or none has"):
        trainer().fit(Module(), data())


@pytest.mark.parametrize("frequency", [0, -1, 1.5, "2", True])
def test_a_frequency_is_a_count(trainer: Make, frequency: Any) -> None:
    class Module(GAN):
        def configure_optimizers(self) -> Any:
            return [
                {"optimizer": one, "frequency": frequency} for one in optimizers(self.generator, self.critic)
            ]

    with pytest.raises(ConfigurationError, match="'frequency'.*at least 1"):
        trainer().fit(Module(), data())


def test_only_the_parameters_of_the_turn_require_gradients(trainer: Make) -> None:
    seen = []

    class Module(GAN):
        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
            seen.append((self.generator.weight.requires_grad, self.critic.weight.requires_grad))
            return super().training_step(batch, batch_idx, optimizer_idx)

    module = Module()
    module.generator.bias.requires_grad = False
    trainer(limit_train_batches=2).fit(module, data())
    assert seen == [(True, False), (False, True)] * 2
    assert module.generator.weight.requires_grad and module.critic.weight.requires_grad
    assert not module.generator.bias.requires_grad


def test_none_skips_that_optimizer_alone(trainer: Make) -> None:
    class Module(GAN):
        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
            return None if optimizer_idx == 0 else super().training_step(batch, batch_idx, optimizer_idx)

    module = Module()
    trainer().fit(module, data())
    assert_equal(weights(module), by_hand(data(), turns=lambda _: [1]))


def test_a_step_without_an_index_is_refused(trainer: Make) -> None:
    class Module(GAN):
        def training_step(self, batch: Any, batch_idx: int) -> Any:  # type: ignore[override]
            return None

    with pytest.raises(UserCodeError, match=r"training_step takes \(batch, batch_idx\).*needs optimizer_idx"):
        trainer().fit(Module(), data())


def test_the_order_of_hooks(trainer: Make) -> None:
    calls: list[str] = []

    class Module(GAN):
        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
            calls.append(f"training_step {optimizer_idx}")
            return super().training_step(batch, batch_idx, optimizer_idx)

        def optimizer_step(  # type: ignore[override]
            self, epoch: int, batch_idx: int, optimizer: Any, optimizer_idx: int, optimizer_closure: Any,
            on_tpu: bool = False, using_native_amp: bool = False, using_lbfgs: bool = False,
        ) -> None:  # fmt: skip
            assert (on_tpu, using_native_amp, using_lbfgs) == (False, False, False)
            assert optimizer is self.optimizers()[optimizer_idx]
            calls.append(f"optimizer_step {optimizer_idx}")
            super().optimizer_step(  # type: ignore[call-arg]
                epoch, batch_idx, optimizer, optimizer_idx, optimizer_closure, on_tpu=on_tpu
            )

        def optimizer_zero_grad(  # type: ignore[override]
            self, epoch: int, batch_idx: int, optimizer: Any, optimizer_idx: int
        ) -> None:
            calls.append(f"optimizer_zero_grad {optimizer_idx}")
            super().optimizer_zero_grad(epoch, batch_idx, optimizer, optimizer_idx)  # type: ignore[call-arg]

        def backward(self, loss: Tensor, optimizer: Any, optimizer_idx: int) -> None:  # type: ignore[override]
            calls.append(f"backward {optimizer_idx}")
            super().backward(loss, optimizer, optimizer_idx)

        def configure_gradient_clipping(  # type: ignore[override]
            self, optimizer: Any, optimizer_idx: int, gradient_clip_val: Any, gradient_clip_algorithm: Any
        ) -> None:
            calls.append(f"clip {optimizer_idx} {gradient_clip_val}")
            super().configure_gradient_clipping(  # type: ignore[call-arg]
                optimizer, optimizer_idx, gradient_clip_val, gradient_clip_algorithm
            )

        def lr_scheduler_step(self, scheduler: Any, optimizer_idx: int, metric: Any) -> None:  # type: ignore[override]
            calls.append(f"lr_scheduler_step {optimizer_idx} {metric}")
            super().lr_scheduler_step(scheduler, optimizer_idx, metric)  # type: ignore[call-arg]

        def on_before_optimizer_step(self, optimizer: Any, optimizer_idx: int) -> None:  # type: ignore[override]
            calls.append(f"module before step {optimizer_idx}")

        def on_train_batch_end(  # type: ignore[override]
            self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
        ) -> None:
            calls.append(f"outputs {[sorted(one) for one in outputs]}")
            assert not any(one["loss"].requires_grad for one in outputs)

        def configure_optimizers(self) -> Any:
            ones = optimizers(self.generator, self.critic)
            return ones, [torch.optim.lr_scheduler.StepLR(one, 1) for one in ones]

    class Watch(Callback):
        def on_before_optimizer_step(  # type: ignore[override]
            self, trainer: Any, pl_module: Any, optimizer: Any, opt_idx: int
        ) -> None:
            calls.append(f"callback before step {opt_idx}")

        def on_train_batch_start(  # type: ignore[override]
            self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int, dataloader_idx: int
        ) -> None:
            calls.append(f"batch start {dataloader_idx}")

    trainer(limit_train_batches=1, callbacks=[Watch()], gradient_clip_val=0.5).fit(Module(), data())
    cycle = [
        "optimizer_step {}", "training_step {}", "optimizer_zero_grad {}", "backward {}", "callback before step {}",
        "module before step {}", "clip {} 0.5",
    ]  # fmt: skip
    expected = ["batch start 0", *(one.format(i) for i in (0, 1) for one in cycle)]
    expected += ["lr_scheduler_step 0 None", "lr_scheduler_step 1 None", "outputs [['loss'], ['loss']]"]
    assert calls == expected


def test_hooks_of_one_optimizer(trainer: Make) -> None:
    """1.x's signatures without several optimizers."""
    calls = []

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
            calls.append(("step", optimizer_idx))
            return self.layer(batch[0]).square().mean()

        def optimizer_step(  # type: ignore[override]
            self, epoch=None, batch_idx=None, optimizer=None, optimizer_idx=None, optimizer_closure=None,  # type: ignore[no-untyped-def]
            **kwargs,
        ) -> None:  # fmt: skip
            calls.append(("optimizer_step", optimizer_idx, sorted(kwargs)))
            optimizer.step(closure=optimizer_closure)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    trainer(limit_train_batches=1).fit(Module(), data())
    assert calls == [("optimizer_step", 0, ["on_tpu", "using_lbfgs", "using_native_amp"]), ("step", 0)]


def test_an_override_may_leave_an_optimizer_out(trainer: Make) -> None:
    class Module(GAN):
        def optimizer_step(  # type: ignore[override]
            self, epoch: int, batch_idx: int, optimizer: Any, optimizer_idx: int, closure: Any, **kwargs: Any
        ) -> None:
            if optimizer_idx == 0 or batch_idx % 2 == 0:
                optimizer.step(closure=closure)

    module = Module()
    trainer().fit(module, data())
    assert_equal(weights(module), by_hand(data(), turns=lambda i: [0, 1] if i % 2 == 0 else [0]))


def test_manual_optimization_with_an_index(trainer: Make) -> None:
    """Manual optimization of 1.0: the index is 0, and manual_backward takes the optimizer."""

    class Module(GAN):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:
            assert optimizer_idx == 0
            for index, one in enumerate(self.optimizers()):
                self.toggle_optimizer(one, index)  # type: ignore[call-arg]
                one.zero_grad()
                self.manual_backward(loss_of(self.generator, self.critic, batch[0], index), one)
                one.step()
                self.untoggle_optimizer(index)  # type: ignore[arg-type]

    module = Module()
    trainer().fit(module, data())
    assert_equal(weights(module), by_hand(data()))
    assert type(module) is Module
    assert "manual_backward" not in vars(module) and "toggle_optimizer" not in vars(module)


def test_present_manual_optimization_calls_its_own_methods(trainer: Make) -> None:
    class Module(GAN):
        automatic_optimization = False

        def training_step(self, batch: Any, batch_idx: int) -> Any:  # type: ignore[override]
            one, _ = self.optimizers()
            self.manual_backward(self.generator(batch[0][:, :2]).sum())
            one.step()
            assert "manual_backward" not in vars(self)

    trainer(limit_train_batches=2).fit(Module(), data())


def test_checkpoints_hold_both_optimizers(trainer: Make, tmp_path: Any) -> None:
    full = GAN()
    trainer(max_epochs=2).fit(full, data())
    first = GAN()
    half = trainer()
    half.fit(first, data())
    half.save_checkpoint(tmp_path / "half.ckpt")
    second = GAN()
    trainer(max_epochs=2, resume_from_checkpoint=tmp_path / "half.ckpt").fit(second, data())
    assert_equal(weights(second), weights(full))
    assert len(second.steps) == 12


def test_truncated_backpropagation_through_time(trainer: Make) -> None:
    """A recurrent layer over 6 time steps in pieces of 2: three updates a batch, the hidden state handed on."""
    torch.manual_seed(0)
    series = torch.randn(4, 6, 2)
    seen = []

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.truncated_bptt_steps = 2
            self.rnn = nn.RNN(2, 3, batch_first=True)

        def training_step(self, batch: Any, batch_idx: int, hiddens: Any) -> Any:
            seen.append((tuple(batch[0].shape), hiddens is not None and hiddens.requires_grad))
            out, hidden = self.rnn(batch[0], hiddens)
            return {"loss": out.square().mean(), "hiddens": hidden}

        def training_epoch_end(self, outputs: Any) -> None:
            assert [[sorted(one) for one in batch] for batch in outputs] == [[["loss"]] * 3] * 2

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    module = Module()
    fit = trainer()
    fit.fit(module, DataLoader(TensorDataset(series), batch_size=2))
    assert seen == [((2, 2, 2), False)] * 6
    assert fit.global_step == 6

    torch.manual_seed(1)
    rnn = nn.RNN(2, 3, batch_first=True)
    sgd = torch.optim.SGD(rnn.parameters(), lr=0.1)
    for batch in (series[:2], series[2:]):
        hidden = None
        for at in (0, 2, 4):
            out, hidden = rnn(batch[:, at : at + 2], hidden)
            sgd.zero_grad()
            out.square().mean().backward()
            sgd.step()
            hidden = hidden.detach()
    assert_equal([*module.rnn.parameters()], [*rnn.parameters()])


def test_without_the_plugin_the_error_names_it(trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "leyden-legacy")
    with pytest.raises(UserCodeError, match="pip install leyden-legacy"):
        trainer().fit(GAN(), data())

    class Module(GAN):
        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int = 0) -> Any:
            return None

    with pytest.raises(UserCodeError, match="2 optimizers.*pip install leyden-legacy"):
        trainer().fit(Module(), data())
