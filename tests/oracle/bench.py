"""What a scenario works with: a module, callbacks, loggers and a trainer that are all being recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import SGD

from tests.oracle.data import WIDTH, loader
from tests.oracle.describe import measure
from tests.oracle.namespace import Namespace, quiet
from tests.oracle.recorder import Body, Recorder, recorded_class
from tests.oracle.tables import CALLBACK, DATAMODULE, LOADERS, LOGGER, MODULE, MONITOR, TRANSFER

Result = dict[str, Any]
TRAINER: dict[str, Any] = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
    "max_epochs": 1,
}
COUNTERS = (
    "global_step",
    "current_epoch",
    "num_training_batches",
    "num_val_batches",
    "should_stop",
    "max_epochs",
)
VIEWS = ("callback_metrics", "logged_metrics", "progress_bar_metrics")


class Bench:
    """One scenario in one package."""

    def __init__(self, ns: Namespace, root: Path) -> None:
        self.ns = ns
        self.root = root
        self.recorder = Recorder()
        self.facts: dict[str, Any] = {}
        self.returns: list[Any] = []
        self.raised: str | None = None
        self.last_trainer: Any = None
        self.last_module: Any = None

    def module(self, *, full: bool = False, without: Collection[str] = (), **bodies: Body) -> Any:
        """A recorded LightningModule with one linear layer.

        Args:
            full: Also record the hooks of the batch transfer.
            without: Hooks that are left alone.
            **bodies: Hook name to what it does after it was recorded.
        """
        base = self.ns.root.LightningModule
        skipped = {*without, *(LOADERS.keys() - bodies.keys()), *(() if full else TRANSFER)}
        attributes = {"forward": _forward, "__init__": _make_init(base)}
        cls = recorded_class(
            self.recorder, "LM", base, MODULE, {**STEP_BODIES, **bodies}, attributes, skipped
        )
        self.last_module = cls()
        return self.last_module

    def callback(self, name: str = "A", **bodies: Body) -> Any:
        """A recorded Callback with a state of its own."""
        defaults = {"state_dict": lambda self: {"name": name}}
        base = self.ns.root.Callback
        return recorded_class(self.recorder, name, base, CALLBACK, {**defaults, **bodies}, {})()

    def plain_callback(self, **hooks: Body) -> Any:
        """A Callback with only the given hooks, which nobody records."""
        return type("Plain", (self.ns.root.Callback,), dict(hooks))()

    def monitor(self, **options: Any) -> Any:
        """A recorded EarlyStopping; it watches ``val_loss`` unless told otherwise."""
        base = self.ns.callbacks.EarlyStopping
        return recorded_class(self.recorder, "Stop", base, MONITOR, {}, {})(
            **{"monitor": "val_loss", **options}
        )

    def logger(self, name: str = "Log") -> Any:
        """A recorded Logger."""
        base = self.ns.loggers.Logger
        bodies = {"log_metrics": _nothing, "log_hyperparams": _nothing}
        attributes = {"name": property(lambda self: name), "version": property(lambda self: 0)}
        return recorded_class(self.recorder, name, base, LOGGER, bodies, attributes)()

    def datamodule(self, *, without: Collection[str] = (), **bodies: Body) -> Any:
        """A recorded LightningDataModule."""
        base = self.ns.root.LightningDataModule
        skipped = {*without, *(LOADERS.keys() - bodies.keys())}
        return recorded_class(self.recorder, "DM", base, DATAMODULE, bodies, {}, skipped)()

    def trainer(self, **options: Any) -> Any:
        """A Trainer on one CPU with everything off that prints or writes."""
        self.recorder.trainer = None
        self.last_trainer = self.ns.root.Trainer(**{**TRAINER, "default_root_dir": self.root, **options})
        self.recorder.trainer = self.last_trainer
        return self.last_trainer

    def fit(self, train: Any = 2, val: Any = 1, module: Any = None, **options: Any) -> Any:
        """Train with a new trainer; a number stands for a loader with so many batches."""
        trainer = self.trainer(**options)
        trainer.fit(module or self.module(), _loaders(train), _loaders(val))
        return trainer

    def answer(self, value: Any) -> None:
        """Keep what a method of the trainer returned."""
        self.returns.append(_plain(value))

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Keep the exception that reaches the caller."""
        try:
            yield
        except BaseException as error:
            self.raised = f"{type(error).__name__}: {error}"

    def snapshot(self, label: str) -> None:
        """Read the three views of the metrics now."""
        self.recorder.values.append([label, self._views()])

    def snapshots(self, *hooks: str) -> Any:
        """A callback that reads the three views of the metrics in each of ``hooks``."""

        def reading(hook: str) -> Body:
            return lambda callback, trainer, *args: self.snapshot(f"{self.recorder.position()} {hook}")

        return self.plain_callback(**{hook: reading(hook) for hook in hooks})

    def _views(self) -> dict[str, Any]:
        return {view: measure(dict(getattr(self.last_trainer, view))) for view in VIEWS}

    def files(self, folder: str) -> list[str]:
        """Names of the files below ``folder`` of the scenario's directory, hidden bookkeeping left out."""
        top = self.root / folder
        found = (path.relative_to(top) for path in top.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if not any(part.startswith(".") for part in path.parts))

    def result(self) -> Result:
        """Everything that was observed, as plain data."""
        known = self.last_trainer is not None
        parameters = self.last_module.named_parameters() if self.last_module is not None else ()
        return {
            "raised": self.raised,
            "counters": {name: _plain(getattr(self.last_trainer, name)) for name in COUNTERS}
            if known
            else {},
            "metrics": self._views() if known else {},
            "weights": {name: _plain(value) for name, value in parameters},
            "returns": self.returns,
            "facts": _plain(self.facts),
            "values": self.recorder.values,
            "events": self.recorder.events,
        }


def run(ns: Namespace, root: Path, program: Callable[[Bench], None]) -> Result:
    """Run ``program`` in package ``ns``, in directory ``root``, and return what was observed."""
    bench = Bench(ns, root)
    torch.manual_seed(7)
    with quiet():
        program(bench)
        return bench.result()


def sgd(module: nn.Module, lr: float = 0.1) -> SGD:
    """The optimizer of nearly every scenario."""
    return SGD(module.parameters(), lr=lr)


def loss_of(module: Any, batch: Any) -> Any:
    """The loss of nearly every scenario, with a gradient in every parameter."""
    return module(batch).pow(2).mean()


def _make_init(base: type) -> Body:
    def init(self: Any) -> None:
        base.__init__(self)  # type: ignore[misc]
        self.layer = nn.Linear(WIDTH, 2)
        with torch.no_grad():
            self.layer.weight.copy_(torch.linspace(-0.5, 0.5, 2 * WIDTH).view(2, WIDTH))
            self.layer.bias.copy_(torch.tensor([0.25, -0.25]))

    return init


def _forward(self: Any, batch: Any) -> Any:
    return self.layer(batch)


def _train(self: Any, batch: Any, batch_idx: int) -> Any:
    loss = loss_of(self, batch)
    self.log("train_loss", loss)
    return loss


def _evaluate(key: str) -> Body:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        loss = loss_of(self, batch)
        self.log(key, loss)
        return loss

    return step


def _nothing(self: Any, *args: Any, **kwargs: Any) -> None:
    return None


STEP_BODIES: dict[str, Body] = {
    "training_step": _train,
    "validation_step": _evaluate("val_loss"),
    "test_step": _evaluate("test_loss"),
    "configure_optimizers": sgd,
}


def _loaders(given: Any) -> Any:
    return loader(given) if isinstance(given, int) else given


def _plain(value: Any) -> Any:
    """Tensors to lists, floats rounded, infinities to text."""
    if isinstance(value, torch.Tensor):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 6) if abs(value) != float("inf") else str(value)
    return value
