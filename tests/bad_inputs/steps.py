"""The user's steps: missing, with the wrong parameters, of the wrong kind, or returning what is no loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .case import Case, Control, Program
from .namespace import Method, Namespace
from .tiny import STAGES, STEP_OF, counted, loader, module, named, run, trainer


def _run(stage: str, without: tuple[str, ...] = (), /, **changes: Any) -> Program:
    """Run a stage with a module that lacks members or has other ones."""

    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns, without, **changes), loader())

    return program


def returning(body: Method, step: str = "training_step") -> Program:
    """Run the stage of a step whose value is ``body(self, batch)``."""
    stage = next(stage for stage, name in STEP_OF.items() if name == step)

    def program(ns: Namespace, folder: Path) -> None:
        model = module(ns, **{step: counted(ns, step, body)})
        run(trainer(ns, folder), stage, model, loader())

    return program


def loss(self: Any, batch: Any) -> torch.Tensor:
    """A good loss."""
    return self.layer(batch[0]).pow(2).mean()


def _per_sample(self: Any, batch: Any) -> torch.Tensor:
    return self.layer(batch[0]).pow(2)


_RETURNS: Mapping[str, Method] = {
    "number": lambda self, batch: 17,
    "float": lambda self, batch: float(loss(self, batch)),
    "bool": lambda self, batch: True,
    "text": lambda self, batch: "loss",
    "list": lambda self, batch: [loss(self, batch)],
    "tuple": lambda self, batch: (loss(self, batch), batch),
    "set": lambda self, batch: {17},
    "array": lambda self, batch: loss(self, batch).detach().numpy(),
    "module": lambda self, batch: self.layer,
    "function": lambda self, batch: loss,
    "dict without loss": lambda self, batch: {"accuracy": loss(self, batch)},
    "empty dict": lambda self, batch: {},
    "misspelled key": lambda self, batch: {"Loss": loss(self, batch)},
    "float in a dict": lambda self, batch: {"loss": float(loss(self, batch))},
    "none in a dict": lambda self, batch: {"loss": None},
    "list in a dict": lambda self, batch: {"loss": [loss(self, batch)]},
    "text in a dict": lambda self, batch: {"loss": "low"},
    "loss a sample": _per_sample,
    "loss a sample in a dict": lambda self, batch: {"loss": _per_sample(self, batch)},
    "no elements": lambda self, batch: _per_sample(self, batch)[:0],
    "detached": lambda self, batch: loss(self, batch).detach(),
    "detached in a dict": lambda self, batch: {"loss": loss(self, batch).detach()},
    "integer tensor": lambda self, batch: torch.tensor(17),
    "bool tensor": lambda self, batch: torch.tensor(True),
}
_GOOD_RETURNS: Mapping[str, Method] = {
    "tensor": loss,
    "dict": lambda self, batch: {"loss": loss(self, batch), "extra": 1},
    "none": lambda self, batch: None,
    "one element": lambda self, batch: loss(self, batch).reshape(1),
}


def _returns() -> Iterator[Case]:
    for label, body in _RETURNS.items():
        yield Case(f"step/training_step returns/{label}", returning(body), ("training_step",), "at_step")


def _no_parameters(self: Any) -> None:
    raise AssertionError("a step without a batch cannot be called")


def _three_parameters(self: Any, batch: Any, batch_idx: int, extra: Any) -> None:
    raise AssertionError("nothing is handed over as `extra`")


async def _coroutine(self: Any, batch: Any, batch_idx: int) -> None:
    raise AssertionError("nobody awaits a step")


def _generator(self: Any, batch: Any, batch_idx: int) -> Iterator[None]:
    yield None


_SHAPES: Mapping[str, tuple[Any, tuple[str, ...], str]] = {
    "without batch": (_no_parameters, (), ""),
    "with a parameter too many": (_three_parameters, ("extra",), ""),
    "async": (_coroutine, (), "the coroutine is never awaited, so the step never runs"),
    "generator": (_generator, (), "the generator is never advanced, so the step never runs"),
    "not callable": (17, (), ""),
}


def _shapes() -> Iterator[Case]:
    for stage, step in STEP_OF.items():
        for label, (value, names, why) in _SHAPES.items():
            program = _run(stage, (), **{step: named(value, step) if callable(value) else value})
            yield Case(f"step/{step}/{label}", program, (step, *names), why=why)


def _two_loaders(stage: str, step: Any) -> Program:
    """Run an evaluation over two loaders with a step that takes no ``dataloader_idx``, or does."""

    def program(ns: Namespace, folder: Path) -> None:
        run(trainer(ns, folder), stage, module(ns, **{STEP_OF[stage]: step}), [loader(), loader()])

    return program


def _plain(self: Any, batch: Any, batch_idx: int) -> None:
    self.layer(batch[0])


def _indexed(self: Any, batch: Any, batch_idx: int, dataloader_idx: int) -> None:
    self.layer(batch[0])


def _loader_index() -> Iterator[Case]:
    for stage in ("val", "test", "predict"):
        step = STEP_OF[stage]
        names = (step, "dataloader_idx")
        yield Case(f"step/{step}/two loaders, no dataloader_idx", _two_loaders(stage, _plain), names)
        yield Case(f"step/{step}/one loader, dataloader_idx", _run(stage, (), **{step: _indexed}), names)


def _missing() -> Iterator[Case]:
    for stage, step in STEP_OF.items():
        lacking = (step, "forward") if stage == "predict" else (step,)
        yield Case(f"step/missing/{step}", _run(stage, lacking), ("forward" if stage == "predict" else step,))
        if stage != "predict":
            yield Case(f"step/missing/{step} set to None", _run(stage, (), **{step: None}), (step,))


def _misspelled_training_step(ns: Namespace, folder: Path) -> None:
    model = module(ns, ("training_step",), train_step=counted(ns, "training_step", loss))
    run(trainer(ns, folder), "train", model, loader())


def _without_super(ns: Namespace, folder: Path) -> None:
    def __init__(self: Any) -> None:
        self.rate = 0.1

    run(trainer(ns, folder), "train", module(ns, __init__=__init__), loader())


def _model(make: Any) -> Program:
    """Fit something as the model."""

    def program(ns: Namespace, folder: Path) -> None:
        trainer(ns, folder).fit(make(ns), loader())

    return program


_NO_MODELS: Mapping[str, tuple[Any, str]] = {
    "none": (lambda ns: None, ""),
    "text": (lambda ns: "resnet", ""),
    "number": (lambda ns: 17, ""),
    "plain module": (lambda ns: torch.nn.Linear(2, 1), "Linear"),
    "class": (lambda ns: type(module(ns)), "Tiny"),
    "list": (lambda ns: [module(ns)], ""),
    "state dict": (lambda ns: module(ns).state_dict(), "OrderedDict"),
    "datamodule": (lambda ns: ns.LightningDataModule(), "LightningDataModule"),
}


def _models() -> Iterator[Case]:
    for label, (make, name) in _NO_MODELS.items():
        names = ("model", name) if name else ("model",)
        yield Case(f"step/model of fit/{label}", _model(make), names)


CASES = (
    *_returns(),
    *_shapes(),
    *_loader_index(),
    *_missing(),
    Case(
        "step/missing/configure_optimizers",
        _run("train", ("configure_optimizers",)),
        ("configure_optimizers",),
    ),
    Case("step/missing/misspelled training_step", _misspelled_training_step, ("training_step",)),
    Case("step/module/without super().__init__()", _without_super, ("super().__init__()",)),
    *_models(),
)
CONTROLS = (
    *(
        Control(f"step/training_step returns/{label}", returning(body))
        for label, body in _GOOD_RETURNS.items()
    ),
    *(Control(f"step/{stage}", _run(stage)) for stage in STAGES),
    *(
        Control(f"step/two loaders/{stage}", _two_loaders(stage, _indexed))
        for stage in ("val", "test", "predict")
    ),
)
