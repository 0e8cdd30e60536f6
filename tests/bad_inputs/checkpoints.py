"""Checkpoints that are missing, none, damaged, or of something else; and bad arguments of methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .case import Case, Control, Program
from .namespace import Namespace
from .optimizers import step_lr
from .tiny import STAGES, fit, loader, module, run, sgd, trainer

Spoil = Callable[[Path], object]


def _saved(ns: Namespace, folder: Path, model: Any = None) -> Path:
    """Train one epoch and save."""
    path = folder / "saved.ckpt"
    fit(ns, folder, model).save_checkpoint(path)
    ns.witness.reset()
    return path


def _resume(ckpt_path: Any, stage: str = "train") -> Program:
    """Run a stage from a path that is no checkpoint."""

    def program(ns: Namespace, folder: Path) -> None:
        path = ckpt_path(folder) if callable(ckpt_path) else ckpt_path
        run(trainer(ns, folder), stage, module(ns), loader(), ckpt_path=path)

    return program


def _spoiled(spoil: Spoil, stage: str = "train") -> Program:
    """Save, spoil the file, and run a stage from it."""

    def program(ns: Namespace, folder: Path) -> None:
        path = _saved(ns, folder)
        spoil(path)
        run(trainer(ns, folder, max_epochs=2), stage, module(ns), loader(), ckpt_path=str(path))

    return program


def _with(change: Callable[[dict[str, Any]], None]) -> Spoil:
    """Rewrite a checkpoint after a change to its dictionary."""

    def spoil(path: Path) -> None:
        content = torch.load(path, weights_only=True)
        change(content)
        torch.save(content, path)

    return spoil


def _truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _garbage(path: Path) -> None:
    path.write_bytes(b"no checkpoint " * 50)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def _folder(folder: Path) -> str:
    (folder / "runs").mkdir()
    return str(folder / "runs")


class Unsafe:
    """Something that a safe load refuses."""


_PATHS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "missing": (lambda folder: str(folder / "lost.ckpt"), ("lost.ckpt",)),
    "folder": (_folder, ("runs",)),
    "number": (17, ("ckpt_path", "17")),
    "bool": (True, ("ckpt_path", "True")),
    "list": (["first.ckpt"], ("ckpt_path", "first.ckpt")),
    "dict": ({"path": "first.ckpt"}, ("ckpt_path", "first.ckpt")),
    "best of nothing": ("best", ("ckpt_path", "best")),
}
_SPOILED: Mapping[str, tuple[Spoil, tuple[str, ...]]] = {
    "empty file": (lambda path: path.write_bytes(b""), ("saved.ckpt",)),
    "garbage": (_garbage, ("saved.ckpt",)),
    "truncated": (_truncate, ("saved.ckpt",)),
    "flipped byte": (_flip, ("saved.ckpt",)),
    "list": (lambda path: torch.save([1, 2], path), ("saved.ckpt", "list")),
    "tensor": (lambda path: torch.save(torch.ones(2), path), ("saved.ckpt", "Tensor")),
    "bare state_dict": (
        lambda path: torch.save(torch.nn.Linear(2, 1).state_dict(), path),
        ("saved.ckpt", "state_dict"),
    ),
    "without state_dict": (_with(lambda content: content.pop("state_dict")), ("saved.ckpt", "state_dict")),
    "without optimizer_states": (
        _with(lambda content: content.pop("optimizer_states")),
        ("optimizer",),
    ),
    "without lr_schedulers": (_with(lambda content: content.pop("lr_schedulers")), ("scheduler",)),
    "unsafe": (_with(lambda content: content.update(extra=Unsafe())), ("Unsafe", "weights_only")),
    "other parameters": (
        _with(lambda content: content.update(state_dict={"head.weight": torch.ones(1)})),
        ("head.weight", "layer.weight"),
    ),
    "other shapes": (
        _with(lambda content: content["state_dict"].update({"layer.weight": torch.ones(3, 3)})),
        ("layer.weight",),
    ),
    "two optimizers": (
        _with(lambda content: content["optimizer_states"].append(content["optimizer_states"][0])),
        ("optimizer",),
    ),
    "no optimizers": (_with(lambda content: content["optimizer_states"].clear()), ("optimizer",)),
}
_SPOILED_WHY = {
    "flipped byte": "a weight differs, or the file fails to load somewhere deep inside",
    "two optimizers": "the states are paired with the optimizers as far as they go",
    "no optimizers": "the optimizer starts from nothing, without its momentum",
}


def _paths() -> Iterator[Case]:
    for label, (path, names) in _PATHS.items():
        yield Case(f"checkpoint/fit from/{label}", _resume(path), names)
    for stage in ("val", "test", "predict"):
        path, names = _PATHS["missing"]
        yield Case(f"checkpoint/{STAGES[stage]} from/missing", _resume(path, stage), names)


def _files() -> Iterator[Case]:
    for label, (spoil, names) in _SPOILED.items():
        why = _SPOILED_WHY.get(label, "")
        yield Case(f"checkpoint/fit from file/{label}", _spoiled(spoil), names, why=why)
    for label in ("garbage", "bare state_dict", "other parameters"):
        spoil, names = _SPOILED[label]
        yield Case(f"checkpoint/test from file/{label}", _spoiled(spoil, "test"), names)


def _scheduler_lost(ns: Namespace, folder: Path) -> None:
    """Resume with a scheduler from a checkpoint that has none."""
    path = _saved(ns, folder)

    def configure(self: Any) -> Any:
        optimizer = sgd(self)
        return [optimizer], [step_lr(optimizer)]

    model = module(ns, configure_optimizers=configure)
    run(trainer(ns, folder, max_epochs=2), "train", model, loader(), ckpt_path=str(path))


def _save(path: Any, fitted: bool = True) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        built = fit(ns, folder) if fitted else trainer(ns, folder)
        ns.witness.reset()
        built.save_checkpoint(path(folder) if callable(path) else path)

    return program


def _taken(folder: Path) -> str:
    (folder / "taken").write_text("a file")
    return str(folder / "taken" / "saved.ckpt")


def _flag(stage: str, **arguments: Any) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns), loader(), **arguments)

    return program


def _resumed(stage: str) -> Program:
    def program(ns: Namespace, folder: Path) -> None:
        path = _saved(ns, folder)
        run(trainer(ns, folder, max_epochs=2), stage, module(ns), loader(), ckpt_path=path)

    return program


_TRUTH = "any text is true, also 'no'"
CASES = (
    *_paths(),
    *_files(),
    Case(
        "checkpoint/fit from file/without the scheduler",
        _scheduler_lost,
        ("scheduler",),
        why="the schedule starts from the beginning in the middle of a run",
    ),
    Case("checkpoint/save/number", _save(17), ("filepath", "17")),
    Case("checkpoint/save/none", _save(None), ("filepath", "None")),
    Case("checkpoint/save/below a file", _save(_taken), ("taken",)),
    Case(
        "checkpoint/save/before any run",
        _save(lambda folder: folder / "saved.ckpt", fitted=False),
        ("save_checkpoint",),
    ),
    Case("call/validate.verbose/text", _flag("val", verbose="no"), ("verbose", "no"), why=_TRUTH),
    Case("call/test.verbose/text", _flag("test", verbose="no"), ("verbose", "no"), why=_TRUTH),
    Case(
        "call/predict.return_predictions/text",
        _flag("predict", return_predictions="no"),
        ("return_predictions", "no"),
        why=_TRUTH,
    ),
    Case("call/fit.weights_only/text", _flag("train", weights_only="no"), ("weights_only", "no"), why=_TRUTH),
)
CONTROLS = (
    *(Control(f"checkpoint/{stage}", _resumed(stage)) for stage in STAGES),
    Control("checkpoint/rewritten", _spoiled(_with(lambda content: None))),
    Control("checkpoint/save", _save(lambda folder: folder / "saved.ckpt")),
    Control("call/test", _flag("test", verbose=False)),
    Control("call/predict", _flag("predict", return_predictions=False)),
)
