"""Fingerprints: equal for what holds the same, different for what does not."""

from __future__ import annotations

import copy
import sys
from collections import deque
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from leyden.testing.fingerprint import Globals, fingerprint


class Box:
    """Holds something."""

    def __init__(self, content: Any) -> None:
        self.content = content


class Slotted:
    """Holds something in a slot."""

    __slots__ = ("content",)

    def __init__(self, content: Any) -> None:
        self.content = content


PAIRS: list[tuple[Any, Any]] = [
    (1, 2),
    (1, True),
    (1, "1"),
    (1.0, 2.0),
    ([1, 2], [2, 1]),
    ([1], (1,)),
    ({"a": 1}, {"a": 2}),
    ({1, 2}, {1, 3}),
    (deque([1]), deque([2])),
    (Path("a"), Path("b")),
    (torch.tensor([1.0]), torch.tensor([2.0])),
    (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64)),
    (torch.tensor([[1.0]]), torch.tensor([1.0])),
    (Box([1]), Box([2])),
    (Slotted(1), Slotted(2)),
    ({"a": [Box({"b": 1})]}, {"a": [Box({"b": 2})]}),
    (torch.device("cpu"), torch.device("meta")),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda value: type(value).__name__)
def test_other_contents_have_another_fingerprint(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "value",
    [one for pair in PAIRS for one in pair] + [float("nan"), torch.tensor(float("nan"))],
    ids=lambda value: type(value).__name__,
)
def test_a_copy_has_the_same_fingerprint(value: Any) -> None:
    assert fingerprint(copy.deepcopy(value)) == fingerprint(value)


def test_identity_counts_when_it_is_asked_for() -> None:
    one, other = Box(1), Box(1)
    assert fingerprint([one], identity=True) != fingerprint([other], identity=True)


def test_cycles_end() -> None:
    box = Box(None)
    box.content = [box]
    assert fingerprint(box) == fingerprint(box)


def test_what_modules_and_classes_hold_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("acme_globals")
    exec("class Thing:\n    seen = []\nHISTORY = {}\nCOUNT = 0\ndef f(): pass", vars(module))
    vars(module)["Thing"].__module__ = "acme_globals"
    monkeypatch.setitem(sys.modules, "acme_globals", module)
    before = Globals("acme_globals")
    assert Globals("acme_globals").changed(before) == []
    exec("Thing.seen.append(1); HISTORY['a'] = 1; COUNT += 1", vars(module))
    changed = Globals("acme_globals").changed(before)
    assert changed == ["acme_globals.COUNT", "acme_globals.HISTORY", "acme_globals.Thing.seen"]
