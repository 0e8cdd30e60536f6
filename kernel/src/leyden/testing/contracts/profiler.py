"""The contract of profilers."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from leyden.plugins.catalogue import OPTIONS, catalogue
from leyden.testing.contracts.run import RunContract


class ProfilerContract(RunContract):
    """A ``Profiler`` of ``leyden.profilers``.

    Attributes:
        reports: whether ``summary`` names the actions that were measured.
    """

    group: ClassVar[str] = "leyden.profilers"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True
    reports: ClassVar[bool] = True

    def keywords(self, component: Any) -> dict[str, Any]:
        """``profiler=component``, where the option is installed."""
        known = {entry.name for entry in catalogue().group(OPTIONS)}
        return {"profiler": component} if "profiler" in known else {}

    def allowed(self) -> list[str]:
        """The plugin, what it requires, and the owner of the keyword."""
        owners = [entry.distribution for entry in catalogue().named(OPTIONS, "profiler")]
        return [*super().allowed(), *owners]

    def set_up(self) -> Any:
        """A profiler after ``setup``."""
        profiler = self.make()
        profiler.setup(stage="fit", local_rank=0, log_dir=str(self.folder))
        return profiler

    def test_writes_on_rank_zero_alone(self) -> None:
        """Every rank measures itself: what another one writes bears its number, and it prints nothing."""
        outcome = self.run(*self.stages, rank=1).ok()
        assert (outcome.stdout, outcome.stderr) == ("", "")
        assert [one for one in outcome.files if "-1" not in one] == []

    def test_measures_actions(self) -> None:
        """Actions may nest and repeat, and the report names them."""
        profiler = self.set_up()
        for _ in range(2):
            with profiler.profile("outer_action"), profiler.profile("inner_action"):
                sum(range(10))
        text = profiler.summary()
        profiler.teardown(stage="fit")
        assert isinstance(text, str)
        if self.reports:
            assert "outer_action" in text and "inner_action" in text

    def test_an_exception_ends_the_action(self) -> None:
        """What is raised inside an action comes out, and the action can be measured again."""
        profiler = self.set_up()
        with pytest.raises(KeyError), profiler.profile("action"):
            raise KeyError
        with profiler.profile("action"):
            pass
        profiler.teardown(stage="fit")

    def test_nothing_measured(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A report without actions is text, and ``teardown`` can be repeated."""
        profiler = self.set_up()
        assert isinstance(profiler.summary(), str)
        profiler.describe()
        profiler.teardown(stage="fit")
        profiler.teardown(stage=None)
        capsys.readouterr()
