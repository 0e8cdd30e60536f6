"""``*_epoch_end(outputs)`` and ``*_step_end``: shapes, values, order, logging, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningModule, Trainer
from leyden.errors import UserCodeError

Make = Callable[..., Trainer]


def numbers(*values: float, batch_size: int = 1) -> DataLoader[Any]:
    return DataLoader(
        TensorDataset(torch.tensor(values, dtype=torch.float).unsqueeze(1)), batch_size=batch_size
    )


class Module(LightningModule):
    """A scalar weight of 1: the loss of a batch is its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.calls: list[Any] = []

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = (self.weight * batch[0]).mean()
        return {"loss": loss, "x": batch[0], "nested": [loss]}

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return batch[0].sum() if batch[0].sum() != 3 else None

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return {"value": batch[0].sum()}

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def test_training_outputs_are_a_list_of_detached_dicts(trainer: Make) -> None:
    class One(Module):
        def training_epoch_end(self, outputs: Any) -> None:
            self.calls.append([one["loss"].item() for one in outputs])
            assert not any(one["loss"].requires_grad or one["nested"][0].requires_grad for one in outputs)
            self.log("mean", torch.stack([one["loss"] for one in outputs]).mean())

    module = One()
    fit = trainer(max_epochs=2)
    fit.fit(module, numbers(1, 2, 6))
    assert module.calls == [[1, 2, 6], [1, 2, 6]]
    assert fit.callback_metrics == {"mean": torch.tensor(3.0)}


def test_training_outputs_hold_the_loss_of_the_window(trainer: Make) -> None:
    class One(Module):
        def training_epoch_end(self, outputs: Any) -> None:
            self.calls = [one["loss"].item() for one in outputs]

    module = One()
    trainer(accumulate_grad_batches=2).fit(module, numbers(1, 2, 6))
    assert module.calls == [0.5, 1, 3]


def test_skipped_batches_have_no_outputs(trainer: Make) -> None:
    class One(Module):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return None if batch_idx == 1 else super().training_step(batch, batch_idx)

        def training_epoch_end(self, outputs: Any) -> None:
            self.calls = [one["loss"].item() for one in outputs]

    module = One()
    trainer().fit(module, numbers(1, 2, 6))
    assert module.calls == [1, 6]


def test_outputs_of_several_optimizers_are_lists_of_batches_of_optimizers(trainer: Make) -> None:
    class Two(Module):
        def training_step(self, batch: Any, batch_idx: int, optimizer_idx: int) -> Any:  # type: ignore[override]
            if batch_idx == 1 and optimizer_idx == 0:
                return None
            return (self.weight * batch[0]).mean() * (optimizer_idx + 1)

        def training_epoch_end(self, outputs: Any) -> None:
            self.calls = [[one["loss"].item() for one in batch] for batch in outputs]

        def configure_optimizers(self) -> Any:
            return [torch.optim.SGD(self.parameters(), lr=0.0) for _ in range(2)]

    module = Two()
    trainer().fit(module, numbers(1, 2, 6))
    assert module.calls == [[1, 2], [4], [6, 12]]


def test_returning_something_is_refused(trainer: Make) -> None:
    class One(Module):
        def training_epoch_end(self, outputs: Any) -> Any:
            return 3

    with pytest.raises(UserCodeError, match="training_epoch_end returned int"):
        trainer().fit(One(), numbers(1))


class Validated(Module):
    def validation_epoch_end(self, outputs: Any) -> None:
        self.calls.append(outputs)
        flat = [one for part in outputs for one in (part if isinstance(part, list) else [part])]
        self.log("total", torch.stack(flat).sum(), prog_bar=True)


def test_validation_outputs_of_one_loader(trainer: Make) -> None:
    module = Validated()
    run = trainer(num_sanity_val_steps=1)
    run.fit(module, numbers(1), numbers(1, 3, 2))
    assert [[one.item() for one in epoch] for epoch in module.calls] == [[1], [1, 2]]  # 3 returned None
    assert run.callback_metrics["total"] == 3
    assert run.progress_bar_metrics == {"total": 3.0}
    assert run.validate(module, numbers(5), verbose=False) == [{"total": 5.0}]


def test_outputs_of_several_loaders_are_lists_of_loaders(trainer: Make) -> None:
    module = Validated()
    found = trainer().validate(module, [numbers(1, 2), numbers(3), numbers(7)], verbose=False)
    assert [[one.item() for one in part] for part in module.calls[0]] == [[1, 2], [], [7]]
    assert found == [{"total": 10.0}] * 3


def test_test_outputs_and_their_metrics(trainer: Make) -> None:
    class One(Module):
        def test_epoch_end(self, outputs: Any) -> None:
            self.log("test_mean", sum(one["value"] for one in outputs) / len(outputs))

    assert trainer().test(One(), numbers(1, 2, 6), verbose=False) == [{"test_mean": 3.0}]


def test_nothing_is_kept_without_the_hook(trainer: Make) -> None:
    kept = []

    class Watch(Callback):
        def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            kept.append(vars(trainer.session).get("legacy_outputs"))
            kept.append([one.kind for one in trainer.running.manager.participants if "1.x" in one.name])

    trainer(callbacks=[Watch()]).fit(Module(), numbers(1), numbers(1, 2))
    assert kept == [None, []] * 2


def test_outputs_are_dropped_when_the_epoch_is_over(trainer: Make) -> None:
    module = Validated()
    run = trainer()
    run.validate(module, numbers(1, 2), verbose=False)
    assert vars(run.session)["legacy_outputs"]["validation"].kept == {}


def test_epoch_ends_come_before_the_hooks_of_the_epochs_end(trainer: Make) -> None:
    calls: list[str] = []

    class One(Module):
        def training_epoch_end(self, outputs: Any) -> None:
            calls.append("training_epoch_end")

        def validation_epoch_end(self, outputs: Any) -> None:
            calls.append("validation_epoch_end")

        def on_train_epoch_end(self) -> None:
            calls.append("module.on_train_epoch_end")

        def on_validation_epoch_end(self) -> None:
            calls.append("module.on_validation_epoch_end")

        def on_epoch_start(self) -> None:
            calls.append("module.on_epoch_start")

        def on_epoch_end(self) -> None:
            calls.append("module.on_epoch_end")
            self.log(f"late {self.trainer.state.stage}", 1.0)

    class Watch(Callback):
        def on_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            calls.append("on_epoch_start")

        def on_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            calls.append("on_epoch_end")

        def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            calls.append("on_train_epoch_start")

        def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            calls.append("on_validation_epoch_start")

        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            calls.append("on_train_epoch_end")

        def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            calls.append("on_validation_epoch_end")

    run = trainer(callbacks=[Watch()], num_sanity_val_steps=0)
    run.fit(One(), numbers(1), numbers(2))
    assert calls == [
        "on_epoch_start", "module.on_epoch_start", "on_train_epoch_start",
        "on_epoch_start", "module.on_epoch_start", "on_validation_epoch_start",
        "validation_epoch_end", "on_validation_epoch_end", "module.on_validation_epoch_end",
        "on_epoch_end", "module.on_epoch_end",
        "training_epoch_end", "on_train_epoch_end", "module.on_train_epoch_end",
        "on_epoch_end", "module.on_epoch_end",
    ]  # fmt: skip
    assert set(run.callback_metrics) == {"late validate", "late train"}


def test_step_ends_follow_the_steps(trainer: Make) -> None:
    class One(Module):
        def training_step_end(self, output: Any) -> Any:
            self.calls.append(("training", sorted(output)))
            self.log("half", output["loss"] / 2)
            return output["loss"] * 2

        def validation_step_end(self, output: Any) -> Any:
            self.log("double", output * 2)
            return output * 2

        def validation_epoch_end(self, outputs: Any) -> None:
            self.calls.append([one.item() for one in outputs])

        def test_step_end(self, output: Any) -> Any:
            return output["value"] + 1

        def test_epoch_end(self, outputs: Any) -> None:
            self.calls.append([one.item() for one in outputs])

        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            self.calls.append(outputs["loss"].item())

    module = One()
    run = trainer(num_sanity_val_steps=0)
    run.fit(module, numbers(4), numbers(1, 2))
    assert module.calls == [("training", ["loss", "nested", "x"]), 8.0, [2, 4]]
    assert run.callback_metrics == {"half": torch.tensor(2.0), "double": torch.tensor(3.0)}
    assert type(module) is One
    run.test(module, numbers(1, 2), verbose=False)
    assert module.calls[-1] == [2, 3]


def test_hooks_with_outputs(trainer: Make) -> None:
    seen: dict[str, Any] = {}

    class Watch(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any, outputs: Any) -> None:  # type: ignore[override]
            seen["train"] = [one["loss"].item() for one in outputs]

        def on_predict_epoch_end(self, trainer: Any, pl_module: Any, outputs: Any) -> None:  # type: ignore[override]
            seen["predict"] = outputs

    class One(Module):
        def on_train_epoch_end(self, outputs: Any) -> None:  # type: ignore[override]
            seen["module"] = len(outputs)

        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return batch[0].item()

    run = trainer(callbacks=[Watch()])
    run.fit(One(), numbers(1, 2))
    run.predict(One(), numbers(5, 6))
    assert seen == {"train": [1, 2], "module": 2, "predict": [[5.0, 6.0]]}


def test_dicts_with_log_and_progress_bar(trainer: Make) -> None:
    """Lightning 0.9's and 1.0's returns."""

    class One(Module):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = (self.weight * batch[0]).mean()
            return {"loss": loss, "log": {"train_loss": loss}, "progress_bar": {"bar": loss + 1}}

        def validation_epoch_end(self, outputs: Any) -> Any:
            mean = torch.stack(outputs).mean()
            return {"avg_val_loss": mean, "log": {"val_loss": mean}, "progress_bar": {"val_loss": mean}}

        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            assert sorted(outputs) == ["loss"]

    run = trainer(num_sanity_val_steps=0)
    run.fit(One(), numbers(4), numbers(1, 2))
    assert run.callback_metrics == {
        "train_loss": torch.tensor(4.0),
        "bar": torch.tensor(5.0),
        "avg_val_loss": torch.tensor(1.5),
        "val_loss": torch.tensor(1.5),
    }
    assert set(run.logged_metrics) == {"train_loss", "val_loss"}
    assert run.progress_bar_metrics == {"bar": 5.0, "val_loss": 1.5}


def test_keywords_of_log(trainer: Make) -> None:
    class One(Module):
        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            loss = (self.weight * batch[0]).mean()
            self.log("sum", loss, on_step=False, on_epoch=True, sync_dist_op="sum", tbptt_pad_token=0)  # type: ignore[call-arg]
            self.log_dict({"mean": loss}, on_epoch=True, on_step=False, tbptt_reduce_fx=torch.mean)  # type: ignore[call-arg]
            return loss

    run = trainer()
    run.fit(One(), numbers(1, 2, 6))
    assert run.callback_metrics == {"sum": torch.tensor(9.0), "mean": torch.tensor(3.0)}


def test_without_the_plugin_the_error_names_it(trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "leyden-legacy")
    with pytest.raises(UserCodeError, match="validation_epoch_end.*pip install leyden-legacy"):
        trainer().fit(Validated(), numbers(1), numbers(1))
