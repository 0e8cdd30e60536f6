"""What a pickle would build, read from its opcodes. Nothing of it is imported or executed."""

from __future__ import annotations

import pickletools
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from leyden.plugins.errors import shown


@dataclass(eq=False, slots=True)
class Node:
    """One object of a pickle.

    Attributes:
        name: the class or function that it is, or is made with, as ``module.name``; ``None`` for plain data.
        value: what it is, when it is a number, a text or the like.
        children: what it holds, each under the text that leads to it, e.g. ``['key']`` or ``[0]``.
    """

    name: str | None = None
    value: Any = None
    children: list[tuple[str, Node]] = field(default_factory=list)


def outline(stream: IO[bytes]) -> Node:
    """Read one pickle and stop behind it.

    Raises:
        ValueError: it is no pickle.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode, argument)
    except (IndexError, KeyError, UnicodeError, AttributeError) as error:
        raise ValueError(f"it is no pickle: {error}") from error
    raise ValueError("it ends early")


def places(root: Node, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Where wanted classes and functions stand, outermost first: text that leads there, and the name."""
    waiting, seen = deque([("", root)]), {id(root)}
    while waiting:
        path, node = waiting.popleft()
        if node.name is not None and wanted(node.name):
            yield path, node.name
        for label, child in node.children:
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append((shown_path(path + label), child))


def shown_path(path: str, limit: int = 300) -> str:
    """A path as it stands in a message; shortened, so that a hostile file cannot make it fill the memory."""
    return path if len(path) <= limit else f"{path[: limit - 1]}…"


class _Machine:
    """The pickle machine, building nodes where the real one would build objects."""

    def __init__(self) -> None:
        self.stack: list[Node] = []
        self.memo: dict[int, Node] = {}
        self.mark = Node()

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Carry out one opcode."""
        stack, pop = self.stack, self.stack.pop
        match opcode.name:
            case "PROTO" | "FRAME" | "READONLY_BUFFER":
                return
            case "POP":
                pop()
            case "POP_MARK":
                self.since_mark()
            case "DUP":
                stack.append(stack[-1])
            case "MARK":
                stack.append(self.mark)
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[int(argument)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[int(argument)])
            case "GLOBAL":
                stack.append(Node(_dotted(argument)))
            case "STACK_GLOBAL":
                name, module = pop(), pop()
                stack.append(Node(f"{module.value}.{name.value}"))
            case "EXT1" | "EXT2" | "EXT4":
                stack.append(Node(f"copyreg extension {argument}"))
            case "BINPERSID":
                stack.append(Node(children=[("", pop())]))
            case "REDUCE" | "NEWOBJ" | "NEWOBJ_EX":
                arguments = [pop() for _ in range(2 if opcode.name == "NEWOBJ_EX" else 1)]
                stack.append(_made(pop(), arguments))
            case "INST":
                stack.append(Node(_dotted(argument), children=_items(self.since_mark())))
            case "OBJ":
                kind, *rest = self.since_mark()
                stack.append(_made(kind, rest))
            case "BUILD":
                state = pop()
                stack[-1].children += _attributes(state)
            case _:
                self.collect(opcode, argument)

    def collect(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Carry out an opcode that makes or fills a container, or pushes plain data."""
        stack, pop = self.stack, self.stack.pop
        match opcode.name:
            case "APPEND":
                item = pop()
                stack[-1].children += _items([item], len(stack[-1].children))
            case "APPENDS" | "ADDITEMS":
                items = self.since_mark()
                stack[-1].children += _items(items, len(stack[-1].children))
            case "SETITEM":
                value, key = pop(), pop()
                stack[-1].children += _pairs([key, value])
            case "SETITEMS":
                items = self.since_mark()
                stack[-1].children += _pairs(items)
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                stack[-count:] = [Node(children=_items(stack[-count:]))]
            case "TUPLE" | "LIST" | "FROZENSET":
                stack.append(Node(children=_items(self.since_mark())))
            case "DICT":
                stack.append(Node(children=_pairs(self.since_mark())))
            case _ if not opcode.stack_before and len(opcode.stack_after) == 1:
                stack.append(Node(value=argument))
            case _:
                raise ValueError(f"it holds the unknown opcode {opcode.name}")

    def since_mark(self) -> list[Node]:
        """Take what was pushed since the last mark, and the mark."""
        items: list[Node] = []
        while (item := self.stack.pop()) is not self.mark:
            items.append(item)
        return items[::-1]


def _dotted(argument: str) -> str:
    """``module name`` as ``module.name``, with the present name of Python 2's builtins, which old protocols write."""
    module, _, name = argument.partition(" ")
    return f"{'builtins' if module == '__builtin__' else module}.{name}"


def _made(kind: Node, arguments: list[Node]) -> Node:
    children = [("", one) for one in arguments]
    return Node(kind.name, children=children if kind.name else [*children, ("", kind)])


def _items(items: list[Node], start: int = 0) -> list[tuple[str, Node]]:
    return [(f"[{index}]", item) for index, item in enumerate(items, start)]


def _pairs(items: list[Node]) -> list[tuple[str, Node]]:
    keys, values = items[::2], items[1::2]
    under_keys = [(f"[{_key(key)}]", value) for key, value in zip(keys, values, strict=True)]
    return under_keys + [("<key>", key) for key in keys if key.name or key.children]


def _key(key: Node) -> str:
    return "…" if key.name or key.children else shown(key.value, limit=60)


def _attributes(state: Node) -> list[tuple[str, Node]]:
    """The children of an object's state, as attributes where they are."""
    if state.name or not state.children:
        return [("", state)]
    return [(re.sub(r"^\['([^\W\d]\w*)'\]$", r".\1", label), child) for label, child in state.children]
