"""The contract of migrations."""

from __future__ import annotations

import copy
import sys
from typing import Any, ClassVar

from leyden.interfaces.migration import Migration
from leyden.plugins.catalogue import PREFIX
from leyden.testing.contracts.base import EntryContract
from leyden.testing.drive import Runner
from leyden.testing.fingerprint import fingerprint


class MigrationContract(EntryContract):
    """A ``Migration`` of ``leyden.migrations``: it is asked for every checkpoint that is read once it is installed.

    Override :meth:`older`.
    """

    group: ClassVar[str] = PREFIX + "migrations"

    def older(self) -> list[dict[str, Any]]:
        """The contents of files in the older formats, as they are read."""
        raise NotImplementedError(f"{type(self).__name__} has no older(): return contents of older files.")

    def present(self) -> dict[str, Any]:
        """The content of a checkpoint of today."""
        import torch

        path = self.folder / "present.ckpt"
        Runner(self.folder)("fit", allowed=[]).ok().trainer.save_checkpoint(path)
        content: dict[str, Any] = torch.load(path, weights_only=True)
        return content

    def migrated(self, content: dict[str, Any]) -> dict[str, Any]:
        """A copy of a content, migrated by a new instance."""
        made: Migration = self.entry().load()()
        with made.names():
            return made.migrate(copy.deepcopy(content), "older.ckpt")

    def test_leaves_the_present_format_alone(self) -> None:
        """A checkpoint of today comes back as it is."""
        content = self.present()
        assert fingerprint(self.migrated(content)) == fingerprint(content)

    def test_leaves_alone_what_it_does_not_know(self) -> None:
        """So do weights without anything beside them, and what is no checkpoint at all."""
        unknown: list[dict[str, Any]] = [{"state_dict": {}}, {"leyden_contract_unknown": 1}, {}]
        for content in unknown:
            assert self.migrated(content) == content

    def test_brings_older_files_up_to_date(self) -> None:
        """They become checkpoints, and a second migration finds nothing more to do."""
        for content in self.older():
            made = self.migrated(content)
            assert isinstance(made["state_dict"], dict), made.keys()
            assert fingerprint(self.migrated(made)) == fingerprint(made)

    def test_names_are_known_only_while_a_file_is_read(self) -> None:
        """What it puts in the place of modules is gone afterwards; the context can be entered again."""
        made: Migration = self.entry().load()()
        before = dict(sys.modules)
        for _ in range(2):
            with made.names():
                pass
        changed = {name for name, one in before.items() if sys.modules.get(name) is not one}
        added = {name for name, one in sys.modules.items() if name not in before and not _imported(name, one)}
        assert changed | added == set(), "these stand for modules, and outlive the reading of a file"


def _imported(name: str, module: Any) -> bool:
    """Whether a module stands where an import has put it."""
    return getattr(getattr(module, "__spec__", None), "name", None) == name
