"""Hooks that Lightning 1.x had, or had with other parameters."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from leyden import Callback, LightningDataModule, LightningModule, Trainer
from leyden.errors import HookSignatureError
from leyden.testing import TinyData, TinyModule

Make = Callable[..., Trainer]


def test_events_of_old_in_their_order(trainer: Make) -> None:
    calls: list[str] = []

    class Watch(Callback):
        def on_init_start(self, trainer: Trainer) -> None:
            calls.append("on_init_start")

        def on_init_end(self, trainer: Trainer) -> None:
            calls.append("on_init_end")

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            calls.append("on_fit_start")

        def on_pretrain_routine_start(self, trainer: Any, pl_module: Any) -> None:
            calls.append("on_pretrain_routine_start")

        def on_pretrain_routine_end(self, trainer: Any, pl_module: Any) -> None:
            calls.append("on_pretrain_routine_end")

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            calls.append("on_train_start")

        def on_batch_start(self, trainer: Any, pl_module: Any) -> None:
            calls.append("on_batch_start")

        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            calls.append("on_train_batch_start")

        def on_train_batch_end(  # type: ignore[override]
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int
        ) -> None:
            calls.append(f"on_train_batch_end {sorted(outputs)} {dataloader_idx}")

        def on_batch_end(self, trainer: Any, pl_module: Any) -> None:
            calls.append("on_batch_end")

    class Module(TinyModule):
        def on_pretrain_routine_start(self) -> None:
            calls.append("module.on_pretrain_routine_start")

    trainer(callbacks=[Watch()], limit_train_batches=1, limit_val_batches=0).fit(Module(), TinyData())
    assert calls == [
        "on_init_start", "on_init_end", "on_fit_start", "on_pretrain_routine_start",
        "module.on_pretrain_routine_start", "on_pretrain_routine_end", "on_train_start", "on_batch_start",
        "on_train_batch_start", "on_train_batch_end ['loss'] 0", "on_batch_end",
    ]  # fmt: skip


def test_keyboard_interrupt(trainer: Make) -> None:
    calls = []

    class Watch(Callback):
        def on_keyboard_interrupt(self, trainer: Any, pl_module: Any) -> None:
            calls.append(type(pl_module).__name__)

    class Stops(Callback):
        def __init__(self, error: type[BaseException]) -> None:
            self.error = error

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            raise self.error

    trainer(callbacks=[Watch(), Stops(KeyboardInterrupt)]).fit(TinyModule(), TinyData())
    assert calls == ["TinyModule"]
    with pytest.raises(RuntimeError):
        trainer(callbacks=[Watch(), Stops(RuntimeError)]).fit(TinyModule(), TinyData())
    assert calls == ["TinyModule"]


class Counts(Callback):
    """Keeps its state as callbacks of 1.x did."""

    def __init__(self) -> None:
        self.batches = 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        self.batches += 1

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> Any:
        return {"batches": self.batches}

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, callback_state: Any) -> None:
        self.batches = callback_state["batches"]


class CountsAlone(Counts):
    """The parameters of 1.0."""

    def on_save_checkpoint(self, trainer: Any, pl_module: Any) -> Any:  # type: ignore[override]
        return {"batches": self.batches}

    def on_load_checkpoint(self, checkpointed_state: Any) -> None:  # type: ignore[override]
        self.batches = checkpointed_state["batches"]


@pytest.mark.parametrize("kind", [Counts, CountsAlone])
def test_callbacks_get_the_state_back_that_they_returned(
    trainer: Make, kind: type[Counts], tmp_path: Any
) -> None:
    first = kind()
    fit = trainer(callbacks=[first], limit_train_batches=2)
    fit.fit(TinyModule(), TinyData())
    fit.save_checkpoint(tmp_path / "one.ckpt")
    saved = torch.load(tmp_path / "one.ckpt", weights_only=True)
    assert saved["callbacks"] == {kind.__qualname__: {"batches": 2}}
    second = kind()
    again = trainer(callbacks=[second], limit_train_batches=2, max_epochs=2)
    again.fit(TinyModule(), TinyData(), ckpt_path=tmp_path / "one.ckpt")
    assert second.batches == 4


def test_a_present_callback_gets_the_whole_checkpoint(trainer: Make, tmp_path: Any) -> None:
    seen = []

    class Watch(Callback):
        def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
            seen.append("state_dict" in checkpoint)

    fit = trainer(limit_train_batches=1)
    fit.fit(TinyModule(), TinyData())
    fit.save_checkpoint(tmp_path / "one.ckpt")
    trainer(callbacks=[Watch()], max_epochs=2).fit(TinyModule(), TinyData(), ckpt_path=tmp_path / "one.ckpt")
    assert seen == [True]


def test_configure_sharded_model(trainer: Make) -> None:
    calls = []

    class Watch(Callback):
        def on_configure_sharded_model(self, trainer: Any, pl_module: Any) -> None:
            calls.append("callback")

    class Module(TinyModule):
        def configure_sharded_model(self) -> None:
            calls.append("module")

    trainer(callbacks=[Watch()], limit_train_batches=1).fit(Module(), TinyData())
    assert calls == ["callback", "module"]


def test_transfer_without_an_index(trainer: Make) -> None:
    moved = []

    class Module(TinyModule):
        def transfer_batch_to_device(self, batch: Any, device: Any) -> Any:  # type: ignore[override]
            moved.append(device)
            return batch

    trainer(limit_train_batches=1, limit_val_batches=0).fit(Module(), TinyData())
    assert moved == [torch.device("cpu")]


def test_too_many_parameters_are_refused_as_before(trainer: Make) -> None:
    class Watch(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any, more: Any) -> None:  # type: ignore[override]
            pass

    with pytest.raises(HookSignatureError, match="on_train_start"):
        trainer(callbacks=[Watch()]).fit(TinyModule(), TinyData())


class Ends(TinyModule):
    def training_step_end(self, output: Any) -> Any:
        return output


def test_the_module_is_copied_and_pickled_as_the_users_class(trainer: Make) -> None:
    found = []

    class Watch(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            assert type(pl_module) is not Ends and isinstance(pl_module, Ends)
            assert type(pl_module).__name__ == "Ends"
            found.append(type(copy.deepcopy(pl_module)))
            found.append(type(pickle.loads(pickle.dumps(pl_module))))
            assert isinstance(pl_module, Ends)

    module = Ends()
    with pytest.raises(ZeroDivisionError):
        trainer(callbacks=[Watch(), Fails()]).fit(module, TinyData())
    assert found == [Ends, Ends]
    assert type(module) is Ends


class Fails(Callback):
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        raise ZeroDivisionError


def test_hparams_may_be_assigned(trainer: Make, tmp_path: Any) -> None:
    from argparse import Namespace

    class Module(LightningModule):
        def __init__(self, hparams: Any) -> None:
            super().__init__()
            self.hparams = hparams
            self.layer = torch.nn.Linear(1, self.hparams.width)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return self.layer(batch[0]).mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams["lr"])

    fit = trainer()
    fit.fit(Module(Namespace(width=3, lr=0.1)), DataLoader(TensorDataset(torch.ones(2, 1))))
    fit.save_checkpoint(tmp_path / "one.ckpt")
    loaded = Module.load_from_checkpoint(tmp_path / "one.ckpt", strict=True)
    assert loaded.layer.out_features == 3
    assert loaded.hparams == {"width": 3, "lr": 0.1}


def test_a_data_module_of_1x(trainer: Make) -> None:
    class Data(LightningDataModule):
        def __init__(self) -> None:
            super().__init__(train_transforms=str.upper, dims=(1, 28, 28))  # type: ignore[call-arg]

        def train_dataloader(self) -> Any:
            return TinyData().train_dataloader()

    data = Data()
    assert data.train_transforms("a") == "A"
    assert data.val_transforms is None
    assert data.size() == (1, 28, 28) and data.size(1) == 28
    assert not data.has_prepared_data and not data.has_setup_fit
    trainer(limit_train_batches=1, limit_val_batches=0).fit(TinyModule(), datamodule=data)
    assert data.has_prepared_data and data.has_setup_fit and not data.has_setup_test
    with pytest.raises(AttributeError, match="'Data' object has no attribute 'nothing'"):
        data.nothing  # noqa: B018
