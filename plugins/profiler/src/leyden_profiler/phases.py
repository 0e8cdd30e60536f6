"""Puts something around every hook and every phase of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from leyden.plugins.adapt import Participant
from leyden.plugins.catalogue import catalogue

Call = Callable[..., Any]
Around = Callable[[str, str, str, Call], Call]
"""Given whose a call is, its name, its distribution where known, and the call: what to call instead."""

_OWNERS = {
    "callback": "Callback",
    "callback's judgement": "Callback",
    "module": "LightningModule",
    "datamodule": "LightningDataModule",
    "datamodule's end": "LightningDataModule",
    "strategy": "Strategy",
    "logger": "Logger",
    "option": "Option",
}
_STEPS = {
    "sanity_check": "validation_step",
    "validate": "validation_step",
    "test": "test_step",
    "predict": "predict_step",
}

_MEASURED_ALREADY = frozenset({"training_step", "backward", "optimizer_step", "optimizer_zero_grad"})


class Phases:
    """Everything of a session that can be measured, for one run.

    Hooks are measured between the hook table and each listener (those that a plugin wraps, as a whole). Phases are
    methods of the session's parts, replaced on the instances for as long as the run lasts.

    Args:
        session: the running session.
        around: makes the measuring call.
        without: the listener that measures; its own hooks are left out.
    """

    def __init__(self, session: Any, around: Around, without: Any = None) -> None:
        self.session, self._around, self.without = session, around, without
        self._undo: list[Callable[[], None]] = []

    def around(self, owner: str, name: str, origin: str, call: Call) -> Call:
        """The measuring call until :meth:`detach`, and then the call itself.

        A hook that is being fired goes on with what it began with, also when one of its listeners detaches.
        """
        measuring = self._around(owner, name, origin, call)

        def measured(*args: Any, **kwargs: Any) -> Any:
            return (measuring if self._undo else call)(*args, **kwargs)

        return measured

    def attach(self) -> None:
        """Measure hooks, evaluation and checkpoints; to be called when a run starts."""
        session = self.session
        session.manager.watch(self._hook)
        self._undo.append(lambda: session.manager.watch(None))
        self._replace(session, "evaluation", self._evaluation(session.evaluation))
        self._replace(session, "in_hook", self._methods(session.in_hook))
        self._measure(session.trainer, "save_checkpoint", "", "save_checkpoint")
        for logger in session.trainer.loggers:
            if hasattr(logger, "start"):
                self._measure(logger, "start", f"[Logger]{_name(logger)}", "start", _origin(logger))

    def attach_training(self) -> None:
        """Measure the training step and its parts; to be called when ``session.step`` is there."""
        step = self.session.step
        strategy, origin = f"[Strategy]{_name(self.session.strategy)}", _origin(self.session.strategy)
        module = f"[LightningModule]{_name(self.session.module)}"
        for attribute, owner, name in (
            ("training_step", strategy, "training_step"),
            ("backward", strategy, "backward"),
            ("zero_grad", module, "optimizer_zero_grad"),
            ("step", module, "optimizer_step"),
            ("step_through_user", module, "optimizer_step"),
        ):
            if hasattr(step, attribute):
                self._measure(step, attribute, owner, name, origin if owner == strategy else "")
        for flag in ("own_way_back", "own_way_to_zero"):
            if hasattr(step, flag):
                self._replace(step, flag, True)  # so that the step calls what was measured above
        if hasattr(step, "in_hook"):
            self._replace(step, "in_hook", self._methods(step.in_hook))
        measured = self.around("", "run_training_batch", "", type(step).__call__)
        made = type(
            type(step).__name__, (type(step),), {"__call__": measured, "__module__": type(step).__module__}
        )
        before, step.__class__ = type(step), made
        self._undo.append(lambda: setattr(step, "__class__", before))

    def attach_data(self) -> None:
        """Measure fetching training batches; to be called whenever the loader may be a new one."""
        self._loader(self.session.data.train, "[_TrainingEpochLoop]", "train_dataloader_next")

    def detach(self) -> None:
        """Give everything back as it was."""
        while self._undo:
            self._undo.pop()()

    def _hook(self, hook: str, participant: Participant | None, call: Call) -> Call:
        if participant is None:
            return self.around("[Hook]", hook, "", call)
        target = participant.target
        if target is self.without:
            return call
        kind = _OWNERS.get(participant.kind, "Plugin")
        name = participant.name if kind == "Plugin" else getattr(target, "state_key", None) or _name(target)
        return self.around(f"[{kind}]{name}", hook, participant.origin, call)

    def _methods(self, original: Call) -> Call:
        """Measure what the session calls of the module and the data module without firing a hook."""

        def in_hook(name: str, call: Call, *args: Any, **kwargs: Any) -> Any:
            owner = getattr(call, "__self__", self.session.module)
            inherited = hasattr(call, "__self__") and call.__module__.startswith("leyden.api.")
            if name in _MEASURED_ALREADY or inherited:
                return original(name, call, *args, **kwargs)
            kind = _OWNERS["datamodule" if owner is self.session.datamodule else "module"]
            return original(name, self.around(f"[{kind}]{_name(owner)}", name, "", call), *args, **kwargs)

        return in_hook

    def _evaluation(self, original: Callable[[Any], AbstractContextManager[Any]]) -> Call:
        @contextmanager
        def evaluation(stage: Any) -> Iterator[Any]:
            with original(stage) as one:
                name = _STEPS[str(stage)]
                strategy = self.session.strategy
                one.step = self.around(f"[Strategy]{_name(strategy)}", name, _origin(strategy), one.step)
                for batches in one.loaders:
                    self._loader(batches, "[_EvaluationLoop]", f"{stage.dataloader_prefix}_next")
                yield one

        return evaluation

    def _loader(self, batches: Any, owner: str, name: str) -> None:
        if "iterate" in vars(batches):
            return
        original = batches.iterate

        def iterate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            iterator = original(*args, **kwargs)
            nothing = object()
            fetch = self.around(owner, name, "", lambda: next(iterator, nothing))
            try:
                while (item := fetch()) is not nothing:
                    yield item
            finally:
                iterator.close()

        self._replace(batches, "iterate", iterate)

    def _measure(self, target: Any, attribute: str, owner: str, name: str, origin: str = "") -> None:
        self._replace(target, attribute, self.around(owner, name, origin, getattr(target, attribute)))

    def _replace(self, target: Any, attribute: str, value: Any) -> None:
        held = vars(target)
        missing = object()
        before = held.get(attribute, missing)
        held[attribute] = value
        self._undo.append(
            lambda: held.pop(attribute) if before is missing else held.__setitem__(attribute, before)
        )


def _name(target: Any) -> str:
    return type(target).__name__


def _origin(target: Any) -> str:
    """The distribution and version that a component came from, where known."""
    owner = catalogue().owner_of_object(target)
    return owner.origin if owner is not None else ""
