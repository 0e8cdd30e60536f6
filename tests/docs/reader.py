"""Somebody who types the blocks of a page into one interpreter, one after the other."""

from __future__ import annotations

import contextlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch

from leyden.testing import TinyData, TinyModule
from tests.docs.blocks import Block, blocks_of


class GivenModel(TinyModule):
    """The ``model`` and ``module`` of plugins' pages: tiny, with its data, and done after two epochs."""

    def train_dataloader(self) -> object:
        return TinyData().loader()

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader

    def on_train_epoch_end(self) -> None:
        self.trainer.should_stop = self.current_epoch == 1


class Reader:
    """Runs the blocks of a page in one namespace and one folder.

    Args:
        page: the page.
        folder: an empty folder to work in.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.module = ModuleType(f"page_{abs(hash(page))}")
        self.done: set[Block] = set()
        if page.parts[0] == "plugins":
            given = GivenModel()
            vars(self.module).update(model=given, module=given, loader=given.train_dataloader())

    def reach(self, block: Block) -> None:
        """Run a block, after those before it that were not run yet."""
        for one in blocks_of(self.page):
            if one not in self.done and not one.not_run and (one == block or not _lacks(one)):
                self.done.add(one)
                self._run(one)
            if one == block:
                return

    def _run(self, block: Block) -> None:
        reason = _lacks(block)
        if reason:
            pytest.skip(reason)
        # Empty lines before the code, so that a traceback shows the line of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(block.page), "exec")
        sys.modules[self.module.__name__] = self.module
        arguments, sys.argv = sys.argv, [str(block.page)]  # a reader's program has no command line
        try:
            with contextlib.chdir(self.folder):
                exec(code, vars(self.module))
        finally:
            sys.argv = arguments
            del sys.modules[self.module.__name__]


def _lacks(block: Block) -> str:
    """What this machine would need to run a block; empty when nothing."""
    if ('"cuda' in block.code or '"gpu"' in block.code) and torch.cuda.device_count() < 2:
        return "needs two GPUs"
    wanted = [
        line.split()[1].partition(".")[0]
        for line in block.code.splitlines()
        if line.startswith(("import ", "from "))
    ]
    missing = [name for name in wanted if find_spec(name) is None]
    return f"needs {', '.join(missing)}" if missing else ""
