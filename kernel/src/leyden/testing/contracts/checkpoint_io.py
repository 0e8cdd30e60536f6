"""The contract of checkpoint ios."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest

from leyden.errors import CheckpointError
from leyden.plugins.errors import LeydenError
from leyden.testing.contracts.run import RunContract, assert_same_state

NAME = "some.ckpt"


class NotData:
    """An object that only code can restore."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotData)

    def __hash__(self) -> int:
        return 0


class Unwritable:
    """An object that refuses to be written."""

    def __reduce__(self) -> NoReturn:
        raise ValueError("this cannot be written")


class CheckpointIOContract(RunContract):
    """A ``CheckpointIO`` of ``leyden.checkpoint_ios``."""

    group: ClassVar[str] = "leyden.checkpoint_ios"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True

    def keywords(self, component: Any) -> dict[str, Any]:
        """``plugins=[component]``."""
        return {"plugins": [component]}

    def content(self, number: int = 1) -> dict[str, Any]:
        """What is written: plain data and tensors, different for different numbers."""
        import torch

        weights = {"layer.weight": torch.full((3, 2), float(number)), "layer.bias": torch.arange(3)}
        return {"epoch": number, "state_dict": weights, "callbacks": {}, "nested": [{"loss": 0.5}, (1, None)]}

    def save(self, content: dict[str, Any], path: str | os.PathLike[str]) -> None:
        """Write with an instance of its own and wait until the file stands."""
        io = self.make()
        try:
            io.save_checkpoint(content, path)
        finally:
            io.teardown()

    def damage(self, path: Path) -> None:
        """Cut the file (in a folder, the largest one) in half."""
        file = (
            path
            if path.is_file()
            else max((one for one in path.rglob("*") if one.is_file()), key=lambda one: one.stat().st_size)
        )
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    def test_round_trip(self) -> None:
        """What is read is what was written, for text and path objects, in folders that did not exist."""
        for path in (self.folder / "new" / "folder" / NAME, str(self.folder / NAME)):
            self.save(self.content(), path)
            assert_same_state(self.make().load_checkpoint(path), self.content())
            assert self.make().exists(path)

    def test_the_content_is_not_changed(self) -> None:
        """Saving leaves the dict and its tensors as they are."""
        content = self.content()
        self.save(content, self.folder / NAME)
        assert_same_state(content, self.content())

    def test_a_later_one_replaces_an_earlier_one(self) -> None:
        """Saving under the same name replaces the whole."""
        for number in (1, 2):
            self.save(self.content(number), self.folder / NAME)
        assert self.make().load_checkpoint(self.folder / NAME)["epoch"] == 2

    def test_a_failing_save_keeps_the_previous_one(self) -> None:
        """When the content cannot be written, the name keeps what it held, and nothing else is left in the folder."""
        path = self.folder / NAME
        self.save(self.content(1), path)
        files = _files(self.folder)
        with pytest.raises((LeydenError, ValueError)):
            self.save({**self.content(2), "bad": Unwritable()}, path)
        assert_same_state(self.make().load_checkpoint(path), self.content(1))
        assert _files(self.folder) == files

    def test_a_failing_disk_keeps_the_previous_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """When renaming or syncing fails, the name keeps what it held, and the error names the path."""
        path = self.folder / NAME
        self.save(self.content(1), path)
        files = _files(self.folder)
        for function in ("replace", "rename", "fsync"):
            with monkeypatch.context() as patch:
                seen = _fail(patch, function)
                try:
                    self.save(self.content(2), path)
                except CheckpointError as error:
                    assert NAME in str(error)
                if seen:
                    assert self.make().load_checkpoint(path)["epoch"] == 1, (
                        f"os.{function} failed and the file is another"
                    )
                    assert _files(self.folder) == files, f"os.{function} failed and left files behind"
            self.save(self.content(1), path)

    def test_a_missing_one_is_said_to_be_missing(self) -> None:
        """Reading what is not there raises ``FileNotFoundError``; removing it does nothing."""
        path = self.folder / "missing.ckpt"
        assert not self.make().exists(path)
        with pytest.raises(FileNotFoundError) as caught:
            self.make().load_checkpoint(path)
        assert "missing.ckpt" in str(caught.value)
        self.make().remove_checkpoint(path)

    def test_a_damaged_one_is_said_to_be_damaged(self) -> None:
        """Reading half a file raises ``CheckpointError`` and names the path."""
        path = self.folder / NAME
        self.save(self.content(), path)
        self.damage(path)
        with pytest.raises(CheckpointError) as caught:
            self.make().load_checkpoint(path)
        assert NAME in str(caught.value)

    def test_code_is_loaded_only_when_asked_for(self) -> None:
        """An object that needs code is refused, with path and type named, unless ``weights_only=False``."""
        path = self.folder / NAME
        self.save({**self.content(), "hparams": {"thing": NotData()}}, path)
        with pytest.raises(CheckpointError) as caught:
            self.make().load_checkpoint(path)
        assert NAME in str(caught.value) and "NotData" in str(caught.value)
        assert self.make().load_checkpoint(path, weights_only=False)["hparams"] == {"thing": NotData()}

    def test_removing(self) -> None:
        """A removed checkpoint is gone, with everything that belongs to it."""
        path = self.folder / NAME
        before = _files(self.folder)
        self.save(self.content(), path)
        self.make().remove_checkpoint(path)
        assert not self.make().exists(path)
        assert _files(self.folder) == before

    def test_a_run_saves_and_resumes(self) -> None:
        """A Trainer writes and reads its checkpoints with it."""
        path = self.folder / NAME
        outcome = self.run("fit").ok()
        outcome.trainer.save_checkpoint(path)
        outcome.trainer.strategy.checkpoint_io.teardown()
        resumed = self.run("fit", ckpt_path=path, max_epochs=2).ok()
        assert resumed.trainer.global_step == 2 * outcome.trainer.global_step


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _fail(patch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Make a function of ``os`` fail; returns a list that grows with each call."""
    seen: list[str] = []

    def fail(*args: Any, **kwargs: Any) -> NoReturn:
        seen.append(name)
        raise OSError(28, f"No space left on device (os.{name} made to fail)")

    replacement: Callable[..., NoReturn] = fail
    patch.setattr(os, name, replacement)
    return seen
