"""The contract of tuners."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from leyden.testing.contracts.base import EntryContract
from leyden.testing.footprint import Footprint


@dataclass
class Parabola:
    """The objective: ``(x - 3) ** 2``. It may run in other processes, so it notes what was tried in a file.

    Attributes:
        notes: the file.
    """

    notes: Path

    def __call__(self, params: dict[str, Any]) -> float:
        """Note ``x`` and return the value."""
        with self.notes.open("a", encoding="utf-8") as file:
            file.write(f"{float(params['x'])!r}\n")
        return (float(params["x"]) - 3) ** 2

    def tried(self) -> list[float]:
        """Every ``x`` so far."""
        return [float(line) for line in self.notes.read_text(encoding="utf-8").split()]


def failing(params: dict[str, Any]) -> float:
    """An objective that fails."""
    raise ZeroDivisionError("in the objective")


class TunerContract(EntryContract):
    """A ``Tuner`` of ``leyden.tuners``; the entry point's name is the tuner's.

    Override :meth:`space`; the objective is ``(x - 3) ** 2`` for a float ``x``.

    Attributes:
        options: further arguments of ``tune``, e.g. the number of trials.
    """

    group: ClassVar[str] = "leyden.tuners"
    imports_torch: ClassVar[bool] = True
    options: ClassVar[dict[str, Any]] = {}

    def space(self) -> Any:
        """A search space with one float ``x`` from 0 to 10, in the engine's words."""
        raise NotImplementedError(f"{type(self).__name__} has no space(): return one float 'x' from 0 to 10.")

    def test_bears_its_name(self) -> None:
        """The entry point's name is the tuner's."""
        assert self.make().name == self.entry().name

    def test_searches_inside_the_space(self) -> None:
        """The objective is called with what the space allows, several times, and something is returned."""
        objective = Parabola(self.folder / "tried.txt")
        before = Footprint.take()
        assert self.make().tune(objective, self.space(), **self.options) is not None
        after = Footprint.take()
        tried = objective.tried()
        assert len(tried) > 1 and all(0 <= x <= 10 for x in tried)
        assert (
            self.meant([*after.new_threads(before), *after.new_processes(before), *after.new_handles(before)])
            == []
        )

    def test_an_exception_comes_out(self) -> None:
        """What the objective raises is raised by ``tune``, as itself or as the cause."""
        with pytest.raises(Exception) as caught:
            self.make().tune(failing, self.space(), **self.options)
        chain: list[BaseException | None] = [caught.value, caught.value.__cause__, caught.value.__context__]
        assert any(isinstance(one, ZeroDivisionError) for one in chain)
