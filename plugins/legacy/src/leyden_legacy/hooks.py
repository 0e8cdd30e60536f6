"""Events that Lightning 1.x had and that no hook is named after now."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leyden import Callback, LightningModule, __version__
from leyden.api.arguments import positional
from leyden.kernel.events import EVENTS
from leyden.plugins.adapt import Participant, overridden
from leyden_legacy import states
from leyden_legacy.notes import note
from leyden_legacy.outputs import STAGES, Outputs, kept
from leyden_legacy.returns import log_epoch
from leyden_legacy.signatures import takes_outputs

if TYPE_CHECKING:
    from leyden.api.session import Session

EPOCH_ENDS = {
    "training_epoch_end": "train",
    "validation_epoch_end": "validation",
    "test_epoch_end": "test",
}
"""Methods of the module that take the outputs of an epoch, and their stage."""

EVENTS_OF_OLD = (
    ("on_batch_start", "on_train_batch_start", False),
    ("on_batch_end", "on_train_batch_end", False),
    ("on_pretrain_routine_start", "on_fit_start", True),
    ("on_pretrain_routine_end", "on_fit_start", True),
)
"""Hook, the present hook that fires it, and whether modules have it too."""

MODERN = {
    "on_epoch_start": "on_train_epoch_start, on_validation_epoch_start or on_test_epoch_start",
    "on_epoch_end": "on_train_epoch_end, on_validation_epoch_end or on_test_epoch_end",
    "on_batch_start": "on_train_batch_start",
    "on_batch_end": "on_train_batch_end",
    "on_pretrain_routine_start": "on_fit_start",
    "on_pretrain_routine_end": "on_fit_start",
    "on_keyboard_interrupt": "on_exception",
    "on_init_start": "the callback's __init__",
    "on_init_end": "setup",
    "on_configure_sharded_model": "configure_model of the module",
    "training_epoch_end": "on_train_epoch_end",
    "validation_epoch_end": "on_validation_epoch_end",
    "test_epoch_end": "on_test_epoch_end",
}


_TWO = ("trainer", "pl_module")
Calls = dict[str, list[tuple[Callable[..., Any], tuple[str, ...]]]]


def listeners(session: Session, parts: list[Any]) -> list[Any]:
    """All listeners of a run in calling order, with those that keep outputs and fire the events of old."""
    for one in parts:
        if one.kind == "callback":
            states.translate(one)
    first: Calls = {}
    last: Calls = {}
    owners = _Owners(session)
    for stage in STAGES:
        _outputs(owners, stage, first, last)
    for stage in STAGES[:-1]:
        _put(first, f"on_{stage}_epoch_start", owners.firing("on_epoch_start"))
        _put(last, f"on_{stage}_epoch_end", owners.firing("on_epoch_end"))
    for name, hook, modules in EVENTS_OF_OLD:
        _put(first if name == "on_batch_start" else last, hook, owners.firing(name, modules=modules))
    interrupts = _interrupts(owners.of("on_keyboard_interrupt", modules=False))
    _put(last, "on_exception", interrupts, (*_TWO, "exception"))
    for stage, kept_outputs in vars(session).get("legacy_outputs", {}).items():
        _put(last, f"on_{stage}_epoch_end", kept_outputs.forget)
    before = _participant("before", session, first)
    return [*before, *parts, *_participant("after", session, last)]


def _put(calls: Calls, hook: str, call: Callable[..., Any] | None, passed: tuple[str, ...] = _TWO) -> None:
    if call is not None:
        calls.setdefault(hook, []).append((call, passed))


def _participant(when: str, session: Session, calls: Calls) -> list[Participant]:
    made = Participant(f"Lightning 1.x ({when})", "plugin", session.module, f"leyden-legacy {__version__}")
    for hook, listed in calls.items():
        event = EVENTS[hook]
        if len(listed) == 1:
            made.listen(event, *listed[0])
        else:
            made.listen(event, _chain(event.params, listed), event.params)
    return [made] if made.hooks else []


def _chain(params: tuple[str, ...], calls: list[tuple[Callable[..., Any], tuple[str, ...]]]) -> Any:
    placed = [(call, [params.index(one) for one in passed]) for call, passed in calls]

    def fire(*args: Any) -> None:
        for call, places in placed:
            call(*(args[one] for one in places))

    return fire


class _Owners:
    """Who of a run has a hook of old: callbacks in order, then the module."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def of(self, name: str, *, modules: bool) -> list[Callable[..., Any]]:
        """The methods called ``name``; each is called with trainer and module, of which it gets what it takes."""
        module, found = self.session.module, []
        for owner in [*self.session.trainer.callbacks, *([module] if modules else [])]:
            method = overridden(owner, name, None)
            # one that wants more than 1.x handed over is the program's own, and bears the name by chance
            if method is not None and _required(method) <= (0 if owner is module else 2):
                note(f"{name} of a {'module' if owner is module else 'callback'}", MODERN[name])
                found.append(_taking(method, 0 if owner is module else len(positional(method)[0])))
        return found

    def firing(self, name: str, *, modules: bool = True) -> Callable[[Any, Any], None] | None:
        """One callable for all of them, in which ``self.log`` knows where it is; ``None`` when there is none."""
        methods, session = self.of(name, modules=modules), self.session

        def fire(trainer: Any, pl_module: Any) -> None:
            for one in methods:
                session.in_hook(name, one, trainer, pl_module)

        return fire if methods else None


def _required(method: Callable[..., Any]) -> int:
    """How many arguments a method cannot do without."""
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(method).parameters.values()
    return sum(one.kind in by_position and one.default is one.empty for one in parameters)


def _taking(method: Callable[..., Any], count: int) -> Callable[..., Any]:
    return lambda *args: method(*args[:count])


def _interrupts(methods: list[Callable[..., Any]]) -> Callable[..., None] | None:
    def fire(trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if isinstance(exception, KeyboardInterrupt):
            for one in methods:
                one(trainer, pl_module)

    return fire if methods else None


def _outputs(owners: _Owners, stage: str, first: Calls, last: Calls) -> None:
    """Keep the outputs of a stage and hand them to the module's epoch end, where anybody wants them."""
    session = owners.session
    name = next((name for name, of in EPOCH_ENDS.items() if of == stage), None)
    method = overridden(session.module, name, LightningModule) if name is not None else None
    if method is None and not _taken_by_hooks(session, stage):
        return
    outputs = Outputs(session, stage)
    vars(session).setdefault("legacy_outputs", {})[stage] = outputs
    _put(first, f"on_{stage}_epoch_start", outputs.start)
    hook = f"on_{stage}_batch_end"
    _put(first, hook, outputs.train_batch if stage == "train" else outputs.batch, EVENTS[hook].params)
    if name is not None and method is not None:
        note(f"{name}(outputs)", f"{MODERN[name]}; keep what you need in the step")
        _put(first, f"on_{stage}_epoch_end", _epoch_end(session, name, method, stage))


def _taken_by_hooks(session: Session, stage: str) -> bool:
    """Whether anybody's epoch-end hook takes the outputs."""
    hook = f"on_{stage}_epoch_end"
    found = [(overridden(one, hook, Callback), 0) for one in session.trainer.callbacks]
    found.append((overridden(session.module, hook, LightningModule), 2))
    return any(method is not None and takes_outputs(hook, method, skip) for method, skip in found)


def _epoch_end(session: Session, name: str, method: Callable[..., Any], stage: str) -> Callable[..., None]:
    def call(outputs: list[Any]) -> None:
        log_epoch(session.module, name, method(outputs))

    def end(trainer: Any, pl_module: Any) -> None:
        outputs = kept(session, stage)
        if outputs or stage != "train":
            session.in_hook(name, call, outputs)

    return end
