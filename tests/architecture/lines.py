"""Counting lines of code: no blanks, no comments, no docstrings."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


def _spanned(first: int, last: int | None) -> set[int]:
    return set(range(first, (last or first) + 1))


def _docstrings(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, Documented) and ast.get_docstring(node) is not None:
            lines |= _spanned(node.body[0].lineno, node.body[0].end_lineno)
    return lines


def code_lines(text: str) -> set[int]:
    """Numbers of the lines of ``text`` that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines |= _spanned(token.start[0], token.end[0])
    return lines - _docstrings(ast.parse(text))


def count(path: Path) -> int:
    """Lines of code in a file, or in every Python file below a folder."""
    files = path.rglob("*.py") if path.is_dir() else [path]
    return sum(len(code_lines(file.read_text(encoding="utf-8"))) for file in files)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Qualified position and lines of code of every function in a file, its decorators left out."""
    text = path.read_text(encoding="utf-8")
    code = code_lines(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield f"{path}:{node.lineno} {node.name}", len(code & _spanned(node.lineno, node.end_lineno))
