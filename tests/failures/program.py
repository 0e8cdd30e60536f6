"""One failing run, and the account of what it left."""

from __future__ import annotations

import io
import logging
import multiprocessing
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from tests.failures.cases import Case
from tests.failures.cast import MAKERS, Fault, Package, Seen, failing

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@dataclass
class Account:
    """What a failing run left.

    Attributes:
        case: what failed.
        fault: the failure, and how often it happened.
        primary: what had failed before, if the failing method is called only then.
        reached: what reached the caller.
        interrupted: whether the Trainer says so.
        witnesses: what the other callbacks were told.
        others: what module and data module were told.
        loggers: for each logger, whether it was started, and how it was finalised.
        signals: whether the signal handlers are those from before.
        calm: whether gradients are on, and no thread or process was left.
        training: whether the module is in training mode, as it was before.
        again: what a new Trainer ran into with the same module and data, or ``None``.
    """

    case: Case
    fault: Fault
    primary: BaseException | None = None
    reached: BaseException | None = None
    interrupted: bool = False
    witnesses: list[Seen] = field(default_factory=list)
    others: list[Seen] = field(default_factory=list)
    loggers: list[tuple[bool, list[str]]] = field(default_factory=list)
    signals: bool = False
    calm: bool = False
    training: bool = False
    again: BaseException | None = None


class Scene:
    """The participants of one case.

    Args:
        package: whose classes they are made of.
        case: what fails.
        folder: where files go.
        workers: worker processes of the loaders (2: one, kept from epoch to epoch).
    """

    def __init__(self, package: Package, case: Case, folder: Path, workers: int = 0) -> None:
        self.package, self.case, self.folder = package, case, folder
        self.fault = Fault(case.kind(f"raised in {case.hook}"))
        self.primary = RuntimeError("the step fails") if case.secondary else None
        self.classes = {place: maker(package) for place, maker in MAKERS.items()}
        self.failing = {**self.classes}
        self.failing[case.place] = failing(self.classes[case.place], case.hook, self.fault)
        self.module = self.failing["module"](self.primary)
        self.data = self.failing["datamodule"](workers)

    def trainer(self, *, faulty: bool = True, **more: Any) -> Any:
        """A Trainer whose callbacks and loggers are: a witness, perhaps the failing one, another witness."""
        save_to = str(self.folder / "saved.ckpt") if self.case.call == "save" and faulty else ""
        made = {}
        for place in ("callback", "logger"):
            own, plain = self.failing[place], self.classes[place]
            made[place] = [plain(), *([own()] if own is not plain and faulty else []), plain()]
        made["callback"][-1].number, made["callback"][-1].save_to = 1, save_to
        options = {"sanity": "num_sanity_val_steps"}.get(self.case.call)
        return self.package.root.Trainer(
            **{
                **dict(accelerator="cpu", devices=1, max_epochs=1, log_every_n_steps=1),
                **dict(enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False),
                **dict(num_sanity_val_steps=1 if options else 0, default_root_dir=self.folder),
                **dict(callbacks=made["callback"], logger=made["logger"]),
                **more,
            }
        )

    def call(self, trainer: Any) -> None:
        """The call that fails."""
        call = self.case.call
        if call in ("fit", "sanity", "save"):
            trainer.fit(self.module, datamodule=self.data)
        elif call == "resume":
            trainer.fit(self.module, datamodule=self.data, ckpt_path=self.checkpoint())
        elif call == "predict":
            trainer.predict(self.module, datamodule=self.data)
        else:
            getattr(trainer, call)(self.module, datamodule=self.data, verbose=False)

    def checkpoint(self) -> str:
        """A checkpoint of the same participants, written in peace."""
        path = self.folder / "resume.ckpt"
        self.fault.armed = False
        trainer = self.trainer(max_epochs=0)
        trainer.fit(self.module, datamodule=self.data)
        trainer.save_checkpoint(path)
        self.module.seen, self.data.seen = Seen(), Seen()
        self.fault.armed = True
        return str(path)

    def run(self) -> Account:
        """Fail, and look at what is left."""
        account = Account(self.case, self.fault, self.primary)
        before, beside = _handlers(), _beside()
        trainer = self.trainer()
        account.reached = _reached(lambda: self.call(trainer))
        account.interrupted = bool(trainer.interrupted)
        account.signals = _handlers() == before
        normal = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        account.calm = normal and _beside() <= beside
        plain: Any = self.classes["callback"]
        account.witnesses = [one.seen for one in trainer.callbacks if type(one) is plain]
        account.others = [replace(one.seen) for one in (self.module, self.data)]
        account.training = self.module.training
        account.loggers = [(one.started, one.finalised) for one in trainer.loggers]
        account.again = self._again()
        return account

    def _again(self) -> BaseException | None:
        self.fault.armed, self.module.primary = False, None
        trainer = self.trainer(faulty=False, limit_train_batches=1, limit_val_batches=0)
        error = _reached(lambda: trainer.fit(self.module, datamodule=self.data))
        finished = trainer.global_step == 1 and not trainer.interrupted
        return error if error is not None or finished else RuntimeError("nothing was trained")


def _reached(call: Callable[[], Any]) -> BaseException | None:
    try:
        call()
    except BaseException as error:
        return error
    return None


def _beside() -> set[Any]:
    return {*threading.enumerate(), *multiprocessing.active_children()}


def _handlers() -> list[Any]:
    return [signal.getsignal(one) for one in SIGNALS]


def run(package: Package, case: Case, folder: Path, workers: int = 0) -> Account:
    """Run a case silently, leaving the process as it was."""
    with quiet(), chdir(folder):
        return Scene(package, case, folder, workers).run()


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing printed, warned or logged; signal handlers, gradients and logging given back."""
    with ExitStack() as stack:
        for number in SIGNALS:
            stack.callback(signal.signal, number, signal.getsignal(number))
        stack.callback(torch.set_grad_enabled, True)
        stack.callback(logging.disable, logging.root.manager.disable)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        logging.disable(logging.CRITICAL)
        yield
