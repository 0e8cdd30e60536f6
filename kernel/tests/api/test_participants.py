"""Who takes part in a run: order, isolation of what is broken, and that every hook is fired by somebody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kernel.tests.api.tiny import Kept, Linear, numbers, quiet

from leyden import Callback, LightningDataModule
from leyden.errors import (
    ConfigurationError,
    LeydenError,
)
from leyden.kernel.events import EVENTS
from leyden.testing import HookRecorder


class Full(Linear):
    """A module that validates and tests as well."""

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("x", batch[0, 0])

    test_step = validation_step


class Exporting(HookRecorder):
    """Writes nothing, and says that it did."""

    def leyden_export(self, *args: Any) -> Any:
        super().leyden_export(*args)  # type: ignore[misc]
        return ("exported",)


def everything(folder: Path) -> set[str]:
    """The hooks fired by runs that do all there is to do."""
    recorder = Exporting()
    module = Full()
    module.save_hyperparameters({"a": 1})

    class Saving(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            trainer.save_checkpoint(folder / "a.ckpt")
            trainer.announce_checkpoint(self)
            trainer.export(folder / "a.bin", "acme")

    for epochs, path in ((1, None), (2, folder / "a.ckpt")):
        options: dict[str, Any] = {"num_sanity_val_steps": 1, "log_every_n_steps": 1, "max_epochs": epochs}
        trainer = quiet(callbacks=[Saving()], logger=Kept(), **options)
        trainer.add_listener(recorder)
        trainer.fit(module, numbers(), numbers(2), ckpt_path=path)
    for run in (trainer.validate, trainer.test):
        run(module, numbers(2), verbose=False)
    trainer.predict(module, numbers(2))
    module.__dict__["predict_step"] = lambda batch, batch_idx: 1 / 0
    with pytest.raises(ZeroDivisionError):
        trainer.predict(module, numbers(2))
    return set(recorder.names)


def test_every_declared_hook_is_fired(tmp_path: Path) -> None:
    missing = set(EVENTS) - everything(tmp_path)
    assert missing <= {"leyden_read_checkpoint"}, "known: see test_a_plugin_may_read_instead"


# -- order ----------------------------------------------------------------------------------------------------------


class Noting(Callback):
    """Notes when its hooks are called, among others'."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log_of_all = name, log

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.log_of_all.append(f"{self.name}.setup")

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.log_of_all.append(f"{self.name}.on_train_start")

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.log_of_all.append(f"{self.name}.on_train_epoch_end")


class Judging(Noting):
    """Monitors."""

    leyden_monitors = True


class Last(Noting):
    """Is called last."""

    leyden_order = 1


class First(Noting):
    """Is called first."""

    leyden_order = -1


def test_the_order_is_data_module_callbacks_module_judges() -> None:
    log: list[str] = []

    def noted(name: str) -> Callable[..., Any]:
        return lambda *args: log.append(name)

    class Data(LightningDataModule):
        def setup(self, stage: str) -> None:
            log.append("data.setup")

        def train_dataloader(self) -> Any:
            return numbers()

    hooks = ("setup", "on_train_start", "on_train_epoch_end")
    module = Linear(**{hook: noted(f"module.{hook}") for hook in hooks})
    callbacks = [Last("last", log), Judging("judge", log), Noting("a", log), First("first", log)]
    quiet(callbacks=callbacks).fit(module, datamodule=Data())
    assert log == [
        *("data.setup", "first.setup", "judge.setup", "a.setup", "last.setup", "module.setup"),
        *(f"{one}.on_train_start" for one in ("first", "judge", "a", "last", "module")),
        *(f"{one}.on_train_epoch_end" for one in ("first", "a", "last", "module", "judge")),
    ]


def test_callbacks_of_the_module_join_and_replace_those_of_their_type() -> None:
    log: list[str] = []
    module = Linear(configure_callbacks=lambda self: [Noting("own", log), Last("last", log)])
    trainer = quiet(callbacks=[Noting("trainers", log), First("first", log)])
    trainer.fit(module, numbers())
    assert [one.partition(".")[0] for one in log if one.endswith("setup")] == ["first", "own", "last"]
    trainer.fit_loop.max_epochs = 2
    trainer.fit(module, numbers())
    assert len(trainer.callbacks) == 3, "a second run replaces those of the first"


def test_a_callback_need_not_be_a_callback() -> None:
    class Duck:
        heard = 0

        def on_train_batch_end(self, trainer: Any, module: Any) -> None:
            self.heard += 1

    duck = Duck()
    quiet(callbacks=duck).fit(Linear(), numbers())
    assert duck.heard == 3


def test_one_callback_given_twice_is_called_twice_or_refused_with_a_sentence() -> None:
    log: list[str] = []
    one = Noting("one", log)
    try:
        quiet(callbacks=[one, one]).fit(Linear(), numbers())
    except LeydenError as error:
        assert "callbacks" in str(error)
    else:
        assert log.count("one.setup") == 2


def test_callbacks_can_log() -> None:
    class Logging(Callback):
        log: Any

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            self.log("from_callback", float(batch_idx))

    trainer = quiet(callbacks=[Logging()])
    trainer.fit(Linear(), numbers())
    assert trainer.callback_metrics["from_callback"] == 2


def test_two_stateful_callbacks_of_one_key_are_refused() -> None:
    class Stateful(Callback):
        def state_dict(self) -> dict[str, Any]:
            return {"a": 1}

    with pytest.raises(ConfigurationError, match="two of state_key="):
        quiet(callbacks=[Stateful(), Stateful()])
