"""Checkpoints: what is in them, and that resumed is uninterrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from kernel.tests.api.tiny import Linear, numbers, quiet, same
from torch.optim import Adam
from torch.optim.lr_scheduler import StepLR

from leyden import Callback, LightningDataModule, Trainer, seed_everything
from leyden.api.warn import LeydenWarning
from leyden.errors import CheckpointError, DetachedError

BATCHES, EPOCHS = 3, 2


class Stepped(Linear):
    """Trained by Adam, with a learning rate that falls."""

    def configure_optimizers(self) -> Any:
        optimizer = Adam(self.parameters(), lr=0.05)
        return [optimizer], [{"scheduler": StepLR(optimizer, 2, gamma=0.5), "interval": "step"}]


class Noisy(Stepped):
    """Draws random numbers in every step, and logs by step and by epoch."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = torch.nn.functional.dropout(self(batch) + torch.rand(1)).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=True, batch_size=len(batch))
        self.seen.append([int(one) for one in batch[:, 0]])
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val", self(batch).mean() + torch.rand(()))


class SaveAlways(Callback):
    """Saves after every batch, in one hook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *args: Any) -> None:
        trainer.save_checkpoint(self.folder / f"{trainer.fit_loop.total_batch_idx}.ckpt")


def fitted(
    seed: int, options: dict[str, Any], callbacks: list[Any], path: Path | None = None
) -> tuple[Noisy, Any]:
    """A module fitted on shuffled data, and its Trainer."""
    seed_everything(seed, verbose=False)
    module = Noisy()
    trainer = quiet(max_epochs=EPOCHS, num_sanity_val_steps=2, callbacks=callbacks, **options)
    loaders = numbers(2 * BATCHES, shuffle=True), numbers(4)
    trainer.fit(module, *loaders, ckpt_path=path)
    return module, trainer


@pytest.mark.parametrize(
    "options",
    [{}, {"accumulate_grad_batches": 2}, {"val_check_interval": 1}, {"limit_train_batches": 2}],
    ids=["plain", "accumulating", "validating always", "limited"],
)
def test_resumed_after_any_batch_is_bit_by_bit_uninterrupted(options: dict[str, Any], tmp_path: Path) -> None:
    whole, trainer = fitted(1, options, [SaveAlways(tmp_path)])
    batches = int(options.get("limit_train_batches", BATCHES))
    for done in range(EPOCHS * batches):
        module, other = fitted(2 + done, options, [], tmp_path / f"{done}.ckpt")
        assert module.seen == whole.seen[done + 1 :]
        assert same(module.state_dict(), whole.state_dict())
        assert same(other.callback_metrics, trainer.callback_metrics)
        assert other.run_state.counters == trainer.run_state.counters
        for one, two in zip(
            other.optimizers[0].state.values(), trainer.optimizers[0].state.values(), strict=True
        ):
            assert same(one, two)


def saved(tmp_path: Path, module: Any = None, weights_only: bool = False, **options: Any) -> dict[str, Any]:
    """The contents of a checkpoint, read without running code."""
    trainer = quiet(**options)
    trainer.fit(module or Stepped(), numbers())
    trainer.save_checkpoint(tmp_path / "a.ckpt", weights_only=weights_only)
    found: dict[str, Any] = torch.load(tmp_path / "a.ckpt", weights_only=True)
    return found


KEYS = ["epoch", "global_step", "pytorch-lightning_version", "state_dict", "loops"]


def test_the_keys_are_lightnings_and_one_of_leydens(tmp_path: Path) -> None:
    found = saved(tmp_path)
    assert list(found) == [*KEYS, "callbacks", "optimizer_states", "lr_schedulers", "leyden"]
    assert (found["epoch"], found["global_step"]) == (1, 3)
    assert list(saved(tmp_path, weights_only=True)) == KEYS


class Data(LightningDataModule):
    """Data with a state and hyper-parameters."""

    def __init__(self, size: int = 6) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.position = 0

    def train_dataloader(self) -> Any:
        return numbers(self.hparams.size)

    def state_dict(self) -> dict[str, Any]:
        return {"position": 5}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.position = state_dict["position"]


class Counting(Callback):
    """A callback with a state, which also adds a key of its own."""

    count = 0

    def on_train_batch_end(self, *args: Any) -> None:
        self.count += 1

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.count = state_dict["count"]

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        checkpoint["mine"] = "kept"

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        assert checkpoint["mine"] == "kept"


class Sized(Linear):
    """A module with hyper-parameters."""

    def __init__(self, width: int, depth: int = 2) -> None:
        super().__init__()
        self.save_hyperparameters()


def test_module_data_module_and_callbacks_get_their_states_back(tmp_path: Path) -> None:
    first = quiet(callbacks=[Counting()])
    first.fit(Sized(3), datamodule=Data())
    first.save_checkpoint(tmp_path / "a.ckpt")
    found = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert found["callbacks"] == {"Counting": {"count": 3}}
    assert (found["hparams_name"], found["hyper_parameters"]) == ("kwargs", {"width": 3, "depth": 2})
    assert (found["datamodule_hyper_parameters"], found["Data"]) == ({"size": 6}, {"position": 5})
    counting, data = Counting(), Data()
    quiet(callbacks=[counting], max_epochs=2).fit(Sized(4), datamodule=data, ckpt_path=tmp_path / "a.ckpt")
    assert (counting.count, data.position) == (6, 5)


def test_states_that_nobody_takes_are_told(tmp_path: Path) -> None:
    trainer = quiet(callbacks=[Counting()])
    trainer.fit(Linear(), numbers())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    with pytest.warns(LeydenWarning, match=r"\[callback-states\].*'Counting'"):
        quiet(max_epochs=2).fit(Linear(), numbers(), ckpt_path=tmp_path / "a.ckpt")


def test_another_set_of_plugins_is_told(tmp_path: Path) -> None:
    found = saved(tmp_path)
    assert all(len(one) == 2 for one in found["leyden"]["plugins"])
    found["leyden"]["plugins"].append(["acme", "1.0"])
    torch.save(found, tmp_path / "b.ckpt")
    with pytest.warns(LeydenWarning, match=r"\[plugin-set\].*no longer there: acme 1\.0"):
        quiet(max_epochs=2).fit(Stepped(), numbers(), ckpt_path=tmp_path / "b.ckpt")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda found: found.pop("optimizer_states"), "saved with weights only"),
        (
            lambda found: found["optimizer_states"].clear(),
            r"0 optimizer\(s\), and configure_optimizers gives 1",
        ),
        (lambda found: found["lr_schedulers"].clear(), r"0 learning-rate scheduler\(s\)"),
        (lambda found: found["state_dict"].pop("layer.bias"), "does not fit Stepped"),
    ],
    ids=["weights alone", "optimizers", "schedulers", "weights"],
)
def test_what_does_not_fit_is_refused(change: Any, text: str, tmp_path: Path) -> None:
    found = saved(tmp_path)
    change(found)
    torch.save(found, tmp_path / "b.ckpt")
    with pytest.raises(CheckpointError, match=text):
        quiet(max_epochs=2).fit(Stepped(), numbers(), ckpt_path=tmp_path / "b.ckpt")


def test_evaluation_takes_the_weights_of_a_checkpoint(tmp_path: Path) -> None:
    module = Linear()
    trainer = quiet()
    trainer.fit(module, numbers())
    trainer.save_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    other = Linear()
    quiet().predict(other, numbers(), ckpt_path=tmp_path / "a.ckpt")
    assert same(other.state_dict(), module.state_dict())


def test_there_is_nothing_to_save_before_a_run(tmp_path: Path) -> None:
    with pytest.raises(DetachedError, match="save_checkpoint needs a module"):
        quiet().save_checkpoint(tmp_path / "a.ckpt")


class Writing:
    """A hook plugin that keeps checkpoints in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def leyden_write_checkpoint(self, path: str, checkpoint: dict[str, Any]) -> Any:
        self.kept[path] = checkpoint
        return True

    def leyden_checkpoint_saved(self, path: str) -> None:
        assert path in self.kept


def test_a_plugin_may_write_instead(tmp_path: Path) -> None:
    writing = Writing()
    trainer = quiet(plugins=[writing])
    trainer.fit(Linear(), numbers())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    assert list(writing.kept) == [str(tmp_path / "a.ckpt")]
    assert not (tmp_path / "a.ckpt").exists()


class Reading:
    """A hook plugin that answers for every checkpoint."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found, self.asked = found, list[str]()

    def leyden_read_checkpoint(self, path: str) -> Any:
        self.asked.append(path)
        return self.found


def test_a_plugin_may_read_instead(tmp_path: Path) -> None:
    reading = Reading(saved(tmp_path))
    quiet(plugins=[reading], max_epochs=2).fit(Stepped(), numbers(), ckpt_path=tmp_path / "a.ckpt")
    assert reading.asked == [str(tmp_path / "a.ckpt")]
