"""Objects whose methods are named like hooks: callbacks, modules, data modules, strategies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from kernel.tests.plugins.adapting import HANDED, HOOK, fired

from leyden.errors import HookSignatureError
from leyden.kernel.state import RunState
from leyden.plugins.adapt import Participant, from_object, overridden
from leyden.plugins.manager import Manager


class Base:
    """What users subclass."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> Any: ...

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None: ...


def adapted(members: dict[str, Any], **options: Any) -> Participant:
    """A participant of an instance of a subclass."""
    return from_object("o", "callback", type("Mine", (Base,), members)(), Base, **options)


@pytest.mark.parametrize(
    ("method", "seen"),
    [
        (lambda self, t, m, o, b, i: (t, m, o, b, i), HANDED),
        (lambda self, t, m: (t, m), ("trainer", "module")),
        (lambda self: "nothing", "nothing"),
        (lambda self, *args: args, HANDED),
        (lambda self, t, *args: (t, *args), HANDED),
        (lambda self, t, m, o, b, i, extra=7: (i, extra), (3, 7)),
        (lambda self, t, m, o=1, b=2, i=4, *, extra=7: (o, b, i, extra), ("outputs", "batch", 3, 7)),
        (lambda self, t, /, m, **kwargs: (t, m, kwargs), ("trainer", "module", {})),
        (staticmethod(lambda t, m, *rest: len(rest)), 3),
        (classmethod(lambda cls, t: (cls.__name__, t)), ("Mine", "trainer")),
    ],
    ids=range(10),
)
def test_methods_take_as_many_parameters_as_they_have_under_any_name(method: Any, seen: Any) -> None:
    assert fired(adapted({HOOK: method})) == [seen]


def test_a_callable_without_a_signature_gets_everything() -> None:
    target = type("Mine", (Base,), {})()
    target.__dict__[HOOK] = partial(max, key=str)
    assert fired(from_object("o", "callback", target, Base)) == [max(HANDED, key=str)]


def test_a_method_that_needs_more_than_the_hook_has_is_refused() -> None:
    with pytest.raises(HookSignatureError, match=f"{HOOK} of callback 'o' takes"):
        adapted({HOOK: lambda self, t, m, o, b, i, more: None})


def test_a_method_with_a_needed_keyword_is_refused() -> None:
    with pytest.raises(HookSignatureError, match=HOOK):
        adapted({HOOK: lambda self, t, m, *, needed: None})


def test_only_what_is_overridden_counts() -> None:
    assert adapted({"other": lambda self: None}).hooks == {}
    assert set(adapted({"on_train_start": lambda self, t, m: 1}).hooks) == {"on_train_start"}


def test_what_is_overridden_on_the_instance_counts() -> None:
    target = Base()
    vars(target)["on_train_start"] = lambda trainer, pl_module: "own"
    assert fired(from_object("o", "callback", target, Base), hook="on_train_start", handed=("t", "m")) == [
        "own"
    ]


def test_properties_are_never_evaluated() -> None:
    def explode(self: Any) -> Any:
        raise AssertionError("evaluated")

    assert adapted({"on_train_start": property(explode), "lazy": property(explode)}).hooks == {}


def test_a_hooks_name_on_something_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(HookSignatureError, match="on_train_start bears the name of a hook and is 3"):
        adapted({"on_train_start": 3})


def test_only_and_without_choose_among_the_hooks() -> None:
    members: dict[str, Callable[..., Any]] = {
        "on_train_start": lambda self: 1,
        "on_train_end": lambda self: 2,
    }
    assert set(adapted(members, only=frozenset({"on_train_end"})).hooks) == {"on_train_end"}
    assert set(adapted(members, without=frozenset({"on_train_end"})).hooks) == {"on_train_start"}


def test_modules_do_not_take_the_two_leading_parameters() -> None:
    members = {HOOK: lambda self, outputs, batch, batch_idx: (outputs, batch, batch_idx)}
    assert fired(adapted(members, skip=2)) == [("outputs", "batch", 3)]


class Awkward(Base):
    """Equal to everything, and not hashable."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise AssertionError("asked for its truth")

    def __len__(self) -> int:
        return 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> int:
        return id(self)


def test_equal_and_unhashable_objects_are_listeners_of_their_own() -> None:
    targets = [Awkward(), Awkward(), Awkward()]
    manager = Manager(RunState())
    manager.register([from_object(f"o{i}", "callback", one, Base) for i, one in enumerate(targets)])
    fire = manager.table.on_train_start
    assert fire is not None
    assert fire("t", "m") == [id(one) for one in targets]
    (second,) = manager.of(targets[1])
    manager.unregister(second)
    fire = manager.table.on_train_start
    assert fire is not None
    assert fire("t", "m") == [id(targets[0]), id(targets[2])]


def test_overridden_tells_by_identity() -> None:
    class Same(Base):
        on_train_start = Base.on_train_start

    assert overridden(Same(), "on_train_start", Base) is None
    assert overridden(Same(), "missing", Base) is None
    assert overridden(Same(), "on_train_start", None) is not None


def test_a_participant_says_what_it_is() -> None:
    assert str(Participant("x", "callback", None)) == "callback 'x'"
    assert str(Participant("x", "plugin", None, "acme 1.0")) == "plugin 'x' (acme 1.0)"
