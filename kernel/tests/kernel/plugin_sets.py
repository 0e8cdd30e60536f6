"""Random sets of hook plugins, and what they do, written down."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pluggy
from hypothesis import strategies as st

from leyden.kernel.events import EVENTS, PROJECT
from leyden.kernel.hookspecs import FAMILIES
from leyden.kernel.state import RunState
from leyden.plugins.adapt import from_plugin
from leyden.plugins.manager import Manager

HOOKS = ("on_train_start", "on_train_batch_start", "leyden_write_checkpoint", "leyden_export")
EVERY = tuple(name for name, event in EVENTS.items() if event.every)
PLAIN = ("", "tryfirst", "trylast")
WRAPPING = ("wrapper", "hookwrapper")
ERRORS = (ValueError, LookupError, SystemExit, KeyboardInterrupt)
Log = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Part:
    """One implementation of one hook.

    Attributes:
        hook: which.
        params: those of the hook's parameters that it takes, in an order of its own.
        kind: "" or one of pluggy's options that change the order, or wrap.
        act: ``None``, ``value``, ``falsy`` or an exception type: what it returns or raises.
            Wrappers do so after the others.
        early: whether a wrapper raises before it lets the others run.
    """

    hook: str
    params: tuple[str, ...]
    kind: str
    act: Any
    early: bool = False

    def function(self, owner: str, log: Log) -> Callable[..., Any]:
        """The implementation, marked; what it is called with goes to the log."""
        wraps = self.kind in WRAPPING
        taken = "(" + "".join(f"{name}," for name in self.params) + ")"
        body = f"(yield from act({taken}))" if wraps else f"act({taken})"
        space: dict[str, Any] = {"act": getattr(self, f"_{self.kind if wraps else 'plain'}")(owner, log)}
        exec(f"def {self.hook}(self, {', '.join(self.params)}):\n    return {body}", space)
        options = {self.kind: True} if self.kind else {}
        return pluggy.HookimplMarker(PROJECT)(space[self.hook], **options)  # type: ignore[call-overload]

    def _do(self, owner: str, otherwise: Any = None) -> Any:
        if isinstance(self.act, type):
            raise self.act(f"{owner} in {self.hook}")
        return {None: otherwise, "falsy": 0}.get(self.act, (owner, self.act))

    def _plain(self, owner: str, log: Log) -> Callable[..., Any]:
        def act(args: tuple[Any, ...]) -> Any:
            log.append((owner, self.hook, args))
            return self._do(owner)

        return act

    def _wrapper(self, owner: str, log: Log) -> Callable[..., Any]:
        def act(args: tuple[Any, ...]) -> Generator[None, Any, Any]:
            log.append((owner, "before", args))
            if self.early:
                self._do(owner)
            try:
                result = yield
            except BaseException as error:
                log.append((owner, "failed", type(error)))
                if self.act == "value":
                    return "swallowed"
                raise
            log.append((owner, "after", result))
            return self._do(owner, otherwise=result)

        return act

    def _hookwrapper(self, owner: str, log: Log) -> Callable[..., Any]:
        def act(args: tuple[Any, ...]) -> Generator[None, Any, None]:
            log.append((owner, "before", args))
            outcome = yield
            log.append((owner, "after", type(outcome.exception)))
            if self.act in ("value", "falsy"):
                outcome.force_result((owner, "forced") if self.act == "value" else 0)
            elif self.act is not None:
                outcome.force_exception(self.act(f"{owner} in {self.hook}"))

        return act


@st.composite
def parts(draw: st.DrawFn, hooks: Sequence[str], kinds: Sequence[str]) -> Part:
    """One implementation."""
    hook = draw(st.sampled_from(hooks))
    params = EVENTS[hook].params
    taken = draw(st.permutations(params))[: draw(st.integers(0, len(params)))]
    kind = draw(st.sampled_from(kinds))
    act = draw(st.sampled_from([None, None, "value", "value", "falsy", *ERRORS]))
    return Part(hook, tuple(taken), kind, act, draw(st.booleans()))


def plugin_sets(hooks: Sequence[str], kinds: Sequence[str]) -> st.SearchStrategy[list[list[Part]]]:
    """Up to five plugins, each with up to one implementation a hook."""
    plugin = st.lists(parts(hooks, kinds), max_size=4, unique_by=lambda part: part.hook)
    return st.lists(plugin, max_size=5)


@dataclass
class Pair:
    """The same plugins in a plain pluggy manager and in Leyden's."""

    plugins: list[list[Part]]
    log: Log = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plain = pluggy.PluginManager(PROJECT)
        for family in FAMILIES:
            self.plain.add_hookspecs(family)
        self.manager = Manager(RunState())
        self.objects = [self._made(f"p{i}", one) for i, one in enumerate(self.plugins)]
        for one in reversed(self.objects):
            self.plain.register(one)
        self.participants = [from_plugin(type(one).__name__, one) for one in self.objects]
        self.manager.register(self.participants)

    def _made(self, name: str, plugin: list[Part]) -> Any:
        return type(name, (), {part.hook: part.function(name, self.log) for part in plugin})()

    def remove(self, index: int) -> None:
        """Unregister one plugin from both."""
        self.plain.unregister(self.objects[index])
        self.manager.unregister(self.participants[index])

    def outcome(self, call: Callable[[], Any]) -> tuple[Any, ...]:
        """What a call returns or raises, and what the plugins saw."""
        self.log.clear()
        try:
            end: tuple[Any, ...] = ("returned", call())
        except BaseException as error:
            end = ("raised", type(error), str(error))
        return (*end, list(self.log))

    def by_pluggy(self, hook: str) -> tuple[Any, ...]:
        """The outcome of a hook fired by pluggy."""
        values = {name: f"<{name}>" for name in EVENTS[hook].params}
        return self.outcome(lambda: getattr(self.plain.hook, hook)(**values))

    def by_table(self, hook: str) -> tuple[Any, ...]:
        """The outcome of a hook fired by the table."""
        fire = getattr(self.manager.table, hook)
        if fire is None:
            return ("returned", None if EVENTS[hook].firstresult else [], [])
        return self.outcome(lambda: fire(*(f"<{name}>" for name in EVENTS[hook].params)))
