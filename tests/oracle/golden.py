"""The stored sequences: one JSON file a scenario, one event a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"
BY_LINE = ("values", "events")


def path_of(scenario: str) -> Path:
    """Where the golden sequence of ``scenario`` stands."""
    return FOLDER / f"{scenario}.json"


def read(scenario: str) -> dict[str, Any]:
    """The golden result of ``scenario``.

    Raises:
        FileNotFoundError: it was never recorded.
    """
    content: dict[str, Any] = json.loads(path_of(scenario).read_text(encoding="utf-8"))
    return content


def write(scenario: str, result: dict[str, Any], source: str) -> None:
    """Store ``result`` as what the package and version ``source`` does."""
    FOLDER.mkdir(exist_ok=True)
    path_of(scenario).write_text(render({"source": source, **result}), encoding="utf-8")


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """``result`` as it would come back from its file."""
    content: dict[str, Any] = json.loads(json.dumps(result))
    return content


def render(result: dict[str, Any]) -> str:
    """``result`` as JSON text that shows well in a diff."""
    parts = [f" {json.dumps(key)}: {_render_value(key, value)}" for key, value in result.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _render_value(key: str, value: Any) -> str:
    if key not in BY_LINE or not value:
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"
