"""Size is a feature: budgets in lines of code, without blanks, comments and docstrings."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.architecture import lines
from tests.architecture.repository import KERNEL, WITH_CODE, Distribution, label, python_files

SPECS = KERNEL.source / "kernel" / "hookspecs"
SAMPLE = '''"""A
B"""

# c
x = """one
two"""


def f() -> int:
    """D."""
    # e
    return (
        1
    )
'''


def _files(distribution: Distribution) -> list[Path]:
    return [path for path in python_files(distribution.source) if SPECS not in path.parents]


def test_only_code_is_counted() -> None:
    assert sorted(lines.code_lines(SAMPLE)) == [5, 6, 9, 12, 13, 14]


def test_the_kernel_proper_stays_within_its_budget() -> None:
    parts = {part: lines.count(KERNEL.source / part) for part in ("kernel", "plugins")}
    assert sum(parts.values()) <= 1450, parts


def test_the_facade_stays_within_its_budget() -> None:
    assert lines.count(KERNEL.source / "api") <= 7100  # docs/decisions/0008-facade-size.md


@pytest.mark.parametrize("distribution", WITH_CODE, ids=label)
def test_no_file_exceeds_330_lines(distribution: Distribution) -> None:
    counted = {str(path): lines.count(path) for path in _files(distribution)}
    assert {path: count for path, count in counted.items() if count > 330} == {}


@pytest.mark.parametrize("distribution", WITH_CODE, ids=label)
def test_no_function_exceeds_60_lines(distribution: Distribution) -> None:
    counted = dict(pair for path in _files(distribution) for pair in lines.functions(path))
    assert {name: count for name, count in counted.items() if count > 60} == {}


def test_nine_functions_in_ten_have_25_lines_at_most() -> None:
    counts = [count for one in WITH_CODE for path in _files(one) for _, count in lines.functions(path)]
    assert statistics.quantiles(counts, n=10)[-1] <= 25
