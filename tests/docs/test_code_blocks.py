"""What the documentation shows works: every Python block runs, in a folder of its own.

The blocks of a page share one namespace, as a reader would type them. A block that cannot run alone has the comment
``<!-- not run: reason -->`` before it. The pages of plugins may use ``model`` (or ``module``) and ``loader`` without
making them: a tiny module that has data for every stage and is done after two epochs, and a loader for it.
Tutorials are followed as a whole, by test_tutorials.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks, blocks_of, pages
from tests.docs.reader import Reader

BLOCKS = [block for page in pages() if page.parent.name != "tutorials" for block in blocks_of(page)]
RUN = [block for block in BLOCKS if not block.not_run]
SAMPLE = """
```python
first = 1
```

<!-- not run: it has no end -->
```python
while True: ...
```

* ```python
  ignored
  ```
    ```python
    if first:
        third = 3
    ```
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Reader]:
    """The reader of each page; a page is read once."""
    return cache(lambda page: Reader(page, tmp_path_factory.mktemp("page")))


@pytest.mark.parametrize("block", RUN, ids=str)
@pytest.mark.filterwarnings(r"ignore:\[max-epochs\]")
def test_block_runs(block: Block, reader: Callable[[Path], Reader]) -> None:
    reader(block.page).reach(block)


def test_blocks_that_do_not_run_are_python() -> None:
    for block in BLOCKS:
        compile(block.code, str(block), "exec")


def test_blocks_are_found_with_their_lines_and_marks() -> None:
    found = blocks(Path("page.md"), SAMPLE)
    assert [(one.line, one.code, one.not_run) for one in found] == [
        (3, "first = 1\n", ""),
        (8, "while True: ...\n", "it has no end"),
        (15, "if first:\n    third = 3\n", ""),
    ]
