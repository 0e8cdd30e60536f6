"""Pickles that run code when they are loaded, in every place of a checkpoint.

``python -m tests.safety.payloads NAMESPACE`` (``leyden`` or ``pytorch_lightning``) loads every case in every way and
prints how many payloads ran, and how many refusals named file and key.
"""

from __future__ import annotations

import copy
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch

TRAP = "trap"


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


class Stateful:
    """Runs code when its state is set."""

    def __setstate__(self, state: Any) -> None:
        Path(state["trap"]).touch()

    def __getstate__(self) -> Any:
        return {"trap": TRAP}


class Mapped(dict):  # type: ignore[type-arg]
    """Runs code when an item is set."""

    def __setitem__(self, key: Any, value: Any) -> None:
        Path(TRAP).touch()

    def __reduce__(self) -> Any:
        return Mapped, (), None, None, iter([(1, 2)])


KINDS: dict[str, Callable[[], Any]] = {
    "mkdir": lambda: Call(os.mkdir, TRAP),
    "eval": lambda: Call(eval, f"__import__('os').mkdir({TRAP!r})"),
    "system": lambda: Call(os.system, f"mkdir {TRAP}"),
    "state": Stateful,
    "items": Mapped,
    "partial": lambda: Call(partial(os.mkdir, TRAP)),
    "import": lambda: Call(import_module, "tests.safety.trap"),
}
PLACES = [
    "epoch",
    "global_step",
    "state_dict",
    "state_dict/layer.weight",
    "state_dict/more",
    "loops",
    "loops/fit_loop",
    "loops/fit_loop/state_dict",
    "loops/fit_loop/epoch_loop.state_dict",
    "loops/fit_loop/epoch_loop.batch_progress",
    "loops/fit_loop/epoch_progress/current/ready",
    "loops/validate_loop",
    "callbacks",
    "callbacks/more",
    "callbacks/ModelCheckpoint",
    "optimizer_states",
    "optimizer_states/0",
    "optimizer_states/0/state",
    "optimizer_states/0/param_groups",
    "optimizer_states/0/param_groups/0/lr",
    "lr_schedulers",
    "lr_schedulers/0",
    "lr_schedulers/0/last_epoch",
    "hparams_name",
    "hyper_parameters",
    "hyper_parameters/learning_rate",
    "hyper_parameters/more",
    "hparams_type",
    "datamodule_hparams_name",
    "datamodule_hyper_parameters",
    "TinyData",
    "MixedPrecision",
    "more",
    "leyden",
    "leyden/rng",
    "leyden/rng/python",
    "leyden/counters",
    "leyden/loaders/train",
    "leyden/metrics",
    "leyden/gradients",
    "leyden/plugins",
    "leyden/more",
    "leyden_hyper_parameters",
]


class Case(NamedTuple):
    """One file."""

    kind: str
    place: str

    @property
    def key(self) -> str:
        """What a refusal must name: the outermost key."""
        return f"['{self.place.split('/')[0]}']"


CASES = [Case(kind, place) for place in PLACES for kind in KINDS]


def poisoned(content: dict[str, Any], case: Case) -> dict[str, Any]:
    """A checkpoint with a payload in one place."""
    made = copy.deepcopy(content)
    *folders, last = case.place.split("/")
    inner: Any = made
    for name in folders:
        inner = inner.setdefault(name, {}) if isinstance(inner, dict) else inner[int(name)]
    if isinstance(inner, dict):
        inner[last] = KINDS[case.kind]()
    else:
        inner[int(last)] = KINDS[case.kind]()
    return made


def saved(namespace: Any, folder: Path) -> dict[str, Any]:
    """The content of a whole checkpoint."""
    trainer, module, data = scene(namespace)
    trainer.fit(module, data)
    trainer.save_checkpoint(folder / "whole.ckpt")
    content: dict[str, Any] = torch.load(folder / "whole.ckpt", weights_only=True)
    return content


def scene(namespace: Any) -> tuple[Any, Any, Any]:
    """A Trainer, a module and data."""

    class Module(namespace.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self, learning_rate: float = 0.1, more: Any = None) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return self.layer(batch).square().mean()

        test_step = training_step

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), self.hparams.learning_rate, momentum=0.9)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

    keywords = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = namespace.Trainer(max_epochs=1, enable_checkpointing=False, accelerator="cpu", **keywords)
    return trainer, Module(), torch.utils.data.DataLoader(torch.ones(4, 2), batch_size=2)


def ways(namespace: Any, path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """All ways to load a file."""
    trainer, module, data = scene(namespace)
    trainer.limit_train_batches = 0
    yield "fit", lambda: trainer.fit(module, data, ckpt_path=str(path))
    yield "test", lambda: trainer.test(module, data, ckpt_path=str(path), verbose=False)
    yield "load_from_checkpoint", lambda: type(module).load_from_checkpoint(path)


def survey(name: str, cases: list[Case], folder: Path) -> dict[str, Any]:
    """Load every case in one of the ways, in turn."""
    namespace = import_module(name)
    content = saved(namespace, folder)
    path, trap = folder / "evil.ckpt", folder / TRAP
    found: dict[str, Any] = {
        "cases": 0,
        "executed": [],
        "loaded": [],
        "file not named": [],
        "key not named": [],
    }
    for number, case in enumerate(cases):
        torch.save(poisoned(content, case), path)
        forget(trap)
        way, load = list(ways(namespace, path))[number % 3]
        found["cases"] += 1
        label = f"{way}: {case.kind} in {case.place}"
        try:
            load()
            found["loaded"].append(label)
        except Exception as error:
            text = str(error)
            found["file not named"] += [label] if "evil.ckpt" not in text else []
            found["key not named"] += [label] if case.key not in text else []
        if executed(trap):
            found["executed"].append(label)
    return found


def executed(trap: Path) -> bool:
    """Whether a payload ran."""
    return trap.exists() or "tests.safety.trap" in sys.modules


def forget(trap: Path) -> None:
    """Make the trap ready again."""
    sys.modules.pop("tests.safety.trap", None)
    if trap.is_dir():
        trap.rmdir()
    elif trap.exists():
        trap.unlink()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
        warnings.simplefilter("ignore")
        print(
            {
                key: len(one) if isinstance(one, list) else one
                for key, one in survey(sys.argv[1], CASES, Path(name)).items()
            }
        )
