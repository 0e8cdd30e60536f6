"""What every entry point is held to, before anything runs."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any, ClassVar

import pytest

from leyden.plugins.catalogue import Catalogue, Entry, catalogue
from leyden.plugins.components import single
from leyden.plugins.errors import PluginBlockedError, listed
from leyden.plugins.selection import KERNEL, Selection, canonical
from leyden.testing import fresh
from leyden.testing.fingerprint import fingerprint
from leyden.testing.validation import problems
from leyden.testing.wanted import packages_of_others, siblings


class EntryContract:
    """It resolves, it is what its family asks for, importing it is light, and it can be blocked.

    Subclass the contract of your family and name the entry point; override :meth:`make` when the class needs
    arguments.

    Attributes:
        group: the entry-point group.
        entry_point: the entry point's name in its group; found by the class of :meth:`make` when empty.
        imports_torch: whether importing its module may import torch.
        spawns: whether instances are pickled when a strategy starts further processes.
        leaves: texts of findings that are known and meant, e.g. a thread that a library keeps for the process's life.
        folder: an empty folder, the working directory of each test.
    """

    group: ClassVar[str] = ""
    entry_point: ClassVar[str] = ""
    imports_torch: ClassVar[bool] = False
    spawns: ClassVar[bool] = False
    leaves: ClassVar[tuple[str, ...]] = ()
    folder: Path

    @pytest.fixture(autouse=True)
    def _in_a_folder_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path
        monkeypatch.chdir(tmp_path)

    def make(self) -> Any:
        """Return a new instance; the default calls the class without arguments."""
        if not self.entry_point:
            raise AssertionError(
                f"{type(self).__name__} sets neither entry_point nor make. Set entry_point = 'name'."
            )
        return self.entry().load()()

    def entry(self) -> Entry:
        """The entry point in the catalogue of this process."""
        name = self.entry_point
        found = catalogue().named(self.group, name) if name else _by_class(self.group, type(self.make()))
        wanted = repr(name) if name else f"for {type(self.make()).__qualname__}"
        installed = listed(entry.name for entry in catalogue().group(self.group))
        assert found, (
            f"There is no entry point {wanted} in {self.group}; there are {installed}. Is it installed?"
        )
        return single(found, f"{self.group} {wanted}")

    def meant(self, findings: list[str]) -> list[str]:
        """Findings without those that :attr:`leaves` names."""
        return [one for one in findings if not any(text in one for text in self.leaves)]

    def test_resolves(self) -> None:
        """Its name leads to the class of what ``make`` returns."""
        entry = self.entry()
        assert entry.state in ("found", "loaded"), (
            f"{entry.name} is {entry.state}: {entry.refusal or entry.incompatibility}"
        )
        loaded = entry.load()
        if inspect.isclass(loaded):
            assert isinstance(self.make(), loaded)

    def test_is_what_its_family_asks_for(self) -> None:
        """It subclasses the interface, defines all of it, and its methods and hooks take what they are given."""
        entry = self.entry()
        assert problems(entry, entry.load()) == []

    def test_requires_the_kernel_in_a_range(self) -> None:
        """Its distribution says with which kernels it works, unless it is the kernel."""
        entry = self.entry()
        if canonical(entry.distribution) == KERNEL:
            return
        assert siblings(entry.distribution, "leyden-kernel"), (
            f"{entry.distribution} does not require leyden-kernel"
        )

    def test_importing_it_is_silent(self) -> None:
        """Importing its module prints and writes nothing, starts nothing and sets nothing."""
        report = fresh.importing(self.entry().module)
        assert report.status == 0, report.stderr
        assert (report.stdout, report.stderr) == ("", "")
        assert (report.files, report.handlers) == ((), ())
        assert self.meant([f"{report.threads} threads"] if report.threads else []) == []
        if not self.imports_torch:
            assert self.meant(list(report.environment)) == []

    def test_importing_it_is_light(self) -> None:
        """Importing its module imports no plugin that it does not require, and torch only where that is declared."""
        entry = self.entry()
        report = fresh.importing(entry.module)
        assert report.packages & packages_of_others(entry) == set()
        if not self.imports_torch:
            assert "torch" not in report.packages, f"{entry.module} imports torch; import it where it is used"

    def test_it_can_be_blocked(self) -> None:
        """A denied distribution is not imported, neither when plugins are listed nor when it is asked for.

        The kernel's own parts are always allowed.
        """
        entry = self.entry()
        if canonical(entry.distribution) == KERNEL:
            return
        report = fresh.reading_the_catalogue(LEYDEN_DISABLE_PLUGINS=entry.distribution)
        states = dict(report.states)
        assert states[f"{entry.group}:{entry.distribution}:{entry.name}"] == "blocked"
        assert entry.module.partition(".")[0] not in report.packages
        assert "torch" not in report.packages
        denied = Catalogue(Selection(deny=(entry.distribution,))).named(
            entry.group, f"{entry.distribution}:{entry.name}"
        )
        with pytest.raises(PluginBlockedError):
            denied[0].load()

    def test_survives_spawn(self) -> None:
        """A new instance and its pickled copy hold the same."""
        if self.spawns:
            made = self.make()
            copy = pickle.loads(pickle.dumps(made))
            assert type(copy) is type(made)
            assert fingerprint(copy) == fingerprint(made)


def _by_class(group: str, cls: type) -> list[Entry]:
    package = cls.__module__.partition(".")[0]
    return [
        entry
        for entry in catalogue().group(group)
        if entry.attribute == cls.__name__ and entry.module.partition(".")[0] == package
    ][:1]
