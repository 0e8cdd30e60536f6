"""``leyden plugins hooks``: the reference, written from the specifications themselves."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from leyden.kernel.events import EVENTS, Event

INTRODUCTION = """# Hooks

Every event that a plugin, callback, module or logger can listen to. This page is the output of `leyden plugins hooks`.

A function that is named like a hook and stands in a module or class of the entry-point group `leyden.plugins` is called
when the hook fires; it takes any of the hook's parameters, by name. Methods of callbacks take all of them, by position.
"""
FAMILIES = {
    "run": "What happens once in each call of `fit`, `validate`, `test` or `predict`.",
    "epoch": "Epochs.",
    "step": "Batches.",
    "checkpoint": "Assembling, writing and reading the state of a run.",
    "export": "Handing a module to something that is not Leyden.",
}
FIELDS = ("When", "Order", "Ranks", "Returns", "Since")


def run(arguments: Namespace) -> int:
    """Print the reference."""
    print(reference(), end="")
    return 0


def reference() -> str:
    """The hook reference as Markdown."""
    parts = [INTRODUCTION]
    for family in dict.fromkeys(event.family for event in EVENTS.values()):
        parts.append(f"## {family.capitalize()}\n\n{FAMILIES.get(family, '')}\n")
        parts += [described(event) for event in EVENTS.values() if event.family == family]
    return "\n".join(parts)


def described(event: Event) -> str:
    """The section of one hook."""
    summary, fields = parsed(event.doc)
    lines = [
        f"### `{event.name}`",
        "",
        f"```python\n{event.name}({', '.join(event.params)})\n```",
        "",
        summary,
        "",
    ]
    lines += [f"* **{name}**: {text}" for name, text in fields.items()]
    lines += [f"* **Results**: {text}" for text in results(event)]
    return "\n".join(lines).rstrip() + "\n"


def results(event: Event) -> Iterator[str]:
    """What is special about the way in which listeners are called."""
    if event.firstresult:
        yield "the first listener that returns something other than `None` answers; the others are not called."
    if event.every:
        yield "every listener is called, also when one of them raises; the first exception is raised afterwards."


def parsed(doc: str) -> tuple[str, dict[str, str]]:
    """The summary of a hook's docstring, and its fields by name."""
    summary, _, rest = doc.partition("\n\n")
    fields: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        label, colon, text = line.strip().partition(":")
        if colon and label in FIELDS:
            name = label
            fields[name] = text.strip()
        elif name:
            fields[name] = f"{fields[name]} {line.strip()}".strip()
    return " ".join(summary.split()), fields
