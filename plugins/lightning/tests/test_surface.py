"""The public members of the real package's classes, by introspection: Leyden has them, with the same parameters."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from torch import nn

import leyden
from leyden.api.combined import CombinedLoader
from leyden.api.optimizers import LightningOptimizer

real: Any = pytest.importorskip("pytorch_lightning")
from pytorch_lightning.core.optimizer import LightningOptimizer as RealOptimizer  # noqa: E402
from pytorch_lightning.loggers import Logger as RealLogger  # noqa: E402
from pytorch_lightning.utilities.combined_loader import CombinedLoader as RealLoader  # noqa: E402

PAIRS: dict[str, tuple[type, type]] = {
    "Trainer": (real.Trainer, leyden.Trainer),
    "LightningModule": (real.LightningModule, leyden.LightningModule),
    "LightningDataModule": (real.LightningDataModule, leyden.LightningDataModule),
    "Callback": (real.Callback, leyden.Callback),
    "Logger": (RealLogger, leyden.Logger),
    "LightningOptimizer": (RealOptimizer, LightningOptimizer),
    "CombinedLoader": (RealLoader, CombinedLoader),
}
MISSING = {
    "Trainer": {"received_sigterm"},  # nobody catches SIGTERM but leyden-preemption, where it is installed
    "LightningModule": {"configure_sharded_model", "fabric", "to_tensorrt"},
}
SETTABLE = {
    "ckpt_path",
    "logger",
    "optimizers",
    "predicting",
    "sanity_checking",
    "should_stop",
    "testing",
    "training",
}


def public(kind: type, *instances: Any) -> set[str]:
    names = set(dir(kind)).union(*(vars(one) for one in instances))
    return {name for name in names if not name.startswith("_")}


def made(name: str, kind: Any, off: dict[str, Any]) -> list[Any]:
    """An instance, for the attributes that a constructor sets; none of classes that are abstract."""
    if name == "Trainer":
        return [kind(max_epochs=1, **off)]
    if name == "CombinedLoader":
        return [kind({"a": "ab"})]
    return [kind()] if name in ("LightningModule", "LightningDataModule", "Callback") else []


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
@pytest.mark.parametrize("name", PAIRS)
def test_every_public_member_is_there(name: str, installed: None, off: dict[str, Any]) -> None:
    theirs, ours = PAIRS[name]
    there = public(ours, *made(name, ours, off))
    assert public(theirs, *made(name, theirs, off)) - there <= MISSING.get(name, set())


def methods() -> list[tuple[str, str]]:
    return [
        (name, member)
        for name, (theirs, ours) in PAIRS.items()
        for member in sorted(public(theirs) & public(ours))
        if inspect.isfunction(getattr(theirs, member)) and not hasattr(nn.Module, member)
    ]


@pytest.mark.parametrize(("name", "member"), methods(), ids=lambda value: value)
def test_parameters_are_the_same(name: str, member: str) -> None:
    theirs, ours = (inspect.signature(getattr(kind, member)).parameters for kind in PAIRS[name])
    if any(one.kind is one.VAR_KEYWORD for one in theirs.values()) or member == "load_from_checkpoint":
        assert set(ours) >= {"self"} or member == "load_from_checkpoint"
        return
    assert [one for one in ours if one in theirs] == list(theirs)  # further ones may stand at the end
    for one, parameter in theirs.items():
        assert (parameter.default is parameter.empty) == (ours[one].default is parameter.empty), one


def test_keywords_of_the_trainer_stand_in_the_signature() -> None:
    class Passing(leyden.Trainer):
        pass

    class Own(leyden.Trainer):
        def __init__(self, mine: int = 1, **keywords: Any) -> None:
            super().__init__(**keywords)

    theirs = set(inspect.signature(real.Trainer).parameters)
    for ours in (
        inspect.signature(leyden.Trainer),
        inspect.signature(leyden.Trainer.__init__),
        inspect.signature(Passing),
        inspect.signature(Passing.__init__),
    ):
        assert not any(one.kind is one.VAR_KEYWORD for one in ours.parameters.values())
        assert theirs - set(ours.parameters) <= {"model_registry", "sync_batchnorm", "profiler", "max_time"}
    assert set(inspect.signature(Own).parameters) == {"mine", "keywords"}
    assert "max_epochs" in inspect.getfullargspec(leyden.Trainer.__init__).kwonlyargs
    assert next(iter(inspect.signature(leyden.Trainer.__init__).parameters)) == "self"


@pytest.mark.parametrize("name", sorted(SETTABLE))
def test_what_can_be_set_can_be_set(name: str) -> None:
    assert getattr(leyden.Trainer, name).fset is not None


@pytest.mark.parametrize("stage", ["training", "validating", "testing", "predicting", "sanity_checking"])
def test_stages_can_be_set(stage: str, off: dict[str, Any]) -> None:
    for package in (leyden, real):
        trainer = package.Trainer(max_epochs=1, **off)
        setattr(trainer, stage, True)
        assert getattr(trainer, stage)
        setattr(trainer, stage, False)
        assert trainer.state.stage is None
