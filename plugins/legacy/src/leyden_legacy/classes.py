"""What the class of a module gets while a run lasts, so that calls in Lightning 1.x's form find what they need."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import CodeType, MethodType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from torch.optim import Optimizer

from leyden import LightningModule
from leyden.api.arguments import positional
from leyden.plugins.adapt import overridden
from leyden_legacy.notes import note
from leyden_legacy.returns import KEYS, log_step
from leyden_legacy.signatures import INDEX
from leyden_legacy.supers import LENIENT, LOG_KEYWORDS, PRESENT

if TYPE_CHECKING:
    from leyden.api.session import Session
    from leyden.kernel.run import Cleanup

STEPS = ("training_step", "validation_step", "test_step")


def attach(session: Session, cleanup: Cleanup) -> None:
    """Give a module that is written for Lightning 1.x, for one run, a class that has what it counts on."""
    module = session.module
    names = words(type(module))
    for callback in session.trainer.callbacks:
        names = names | words(type(callback))
    members = {**_steps(module, names), **_models(session)}
    wanted = {name for name in LENIENT if _overrides(module, name)}
    if names & LOG_KEYWORDS:
        wanted |= {"log", "log_dict"}
    if members or wanted:
        _swap(module, members, {name: LENIENT[name] for name in wanted}, cleanup)
    if not module.automatic_optimization:
        _manual(module, cleanup)


def _overrides(module: Any, name: str) -> bool:
    """Whether a module overrides a method with 1.x's parameters, so that it may call ``super`` with them."""
    method = overridden(module, name, LightningModule)
    if method is None or name in ("log", "log_dict"):
        return False
    names, required, _ = positional(method)
    return required > PRESENT[name] or any(one in names for one in INDEX)


def _swap(module: Any, members: dict[str, Any], lenient: dict[str, Any], cleanup: Cleanup) -> None:
    own = type(module)

    def reduce(self: Any, protocol: Any) -> Any:
        # Pickling and copying see the class that the user wrote.
        return object.__new__, (own,), self.__getstate__()

    base = type("Lightning1", (LightningModule,), lenient)
    meta: Any = type(own)
    made = meta(own.__name__, (own, base), {**members, "__reduce_ex__": reduce})
    made.__module__, made.__qualname__ = own.__module__, own.__qualname__
    module.__class__ = made
    cleanup.callback(setattr, module, "__class__", own)


def _steps(module: Any, names: frozenset[str]) -> dict[str, Any]:
    """Steps that are followed by ``*_step_end``, or that return what is to be logged."""
    found = {}
    for name in STEPS:
        end = f"{name}_end"
        has_end = overridden(module, end, LightningModule) is not None
        if has_end:
            note(f"{name}_end", f"the end of {name}")
        if has_end or (name == STEPS[0] and names.intersection(KEYS)):
            found[name] = _followed(getattr(type(module), name), end if has_end else None, name == STEPS[0])
    return found


def _followed(step: Callable[..., Any], end: str | None, training: bool) -> Callable[..., Any]:
    @functools.wraps(step)
    def followed(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = step(self, *args, **kwargs)
        if end is not None:
            result = self.trainer.session.in_hook(end, getattr(self, end), result)
        return log_step(self, result) if training else result

    return followed


def _models(session: Session) -> dict[str, Any]:
    """``configure_sharded_model`` of the module and ``on_configure_sharded_model`` of callbacks."""
    module, name = session.module, "on_configure_sharded_model"
    hooks = [one for one in (overridden(one, name, None) for one in session.trainer.callbacks) if one]
    if hooks:
        note(f"{name} of a callback", "configure_model of the module")
    sharded = overridden(module, "configure_sharded_model", None) is not None
    if sharded:
        note("configure_sharded_model", "configure_model")
    own = type(module).configure_model

    def configure_model(self: Any) -> None:
        for one in hooks:
            one(self.trainer, self)
        if sharded:
            self.configure_sharded_model()
        own(self)

    return {"configure_model": configure_model} if hooks or sharded else {}


def _manual(module: Any, cleanup: Cleanup) -> None:
    """Let ``manual_backward(loss, optimizer)`` and ``toggle_optimizer(optimizer, index)`` be, until called otherwise.

    A module that calls them in the present form finds its class's own methods from the second call on.
    """

    def manual_backward(self: Any, loss: Any, *args: Any, **kwargs: Any) -> None:
        optimizers = (args and (args[0] is None or isinstance(args[0], Optimizer))) or "optimizer" in kwargs
        if optimizers:
            note("manual_backward(loss, optimizer)", "manual_backward(loss)")
            kwargs.pop("optimizer", None)
        else:
            vars(self).pop("manual_backward", None)
        rest = (
            tuple(one for one in args if not isinstance(one, Optimizer | int | None)) if optimizers else args
        )
        type(self).manual_backward(self, loss, *rest, **kwargs)

    def toggle_optimizer(self: Any, optimizer: Any, *index: Any, **kwargs: Any) -> None:
        if index or kwargs:
            note("toggle_optimizer(optimizer, optimizer_idx)", "toggle_optimizer(optimizer)")
        else:
            vars(self).pop("toggle_optimizer", None)
        type(self).toggle_optimizer(self, optimizer)

    for one in (manual_backward, toggle_optimizer):
        if one.__name__ not in vars(module):
            vars(module)[one.__name__] = MethodType(one, module)
            cleanup.callback(vars(module).pop, one.__name__, None)


_words: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def words(cls: type) -> frozenset[str]:
    """The words in the code of a user's class: constants that are strings, names of keywords in calls."""
    if cls not in _words:
        found: set[str] = set()
        for base in cls.__mro__:
            if base.__module__.partition(".")[0].startswith(("torch", "leyden", "builtins")):
                continue
            for member in vars(base).values():
                function = (
                    member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                )
                if inspect.isfunction(function):
                    found.update(_of_code(inspect.unwrap(function).__code__))
        _words[cls] = frozenset(found)
    return _words[cls]


def _of_code(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (one for one in constant if isinstance(one, str))
        elif isinstance(constant, CodeType):
            yield from _of_code(constant)
