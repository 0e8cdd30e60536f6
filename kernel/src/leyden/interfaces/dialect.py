"""Dialects: how programs that are written for an older form of the API are understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Dialect:
    """Answers where the present API has no answer. The entry point in ``leyden.dialects`` names the class.

    A dialect is asked at a Trainer's construction, when a run is set up, and where something would be refused: a
    keyword, a missing attribute, a signature. It is never asked during a step. It is made anew for each question, so it
    keeps nothing; each answer of ``None`` means that it does not know either.
    """

    def keywords(self, given: dict[str, Any]) -> None:
        """Change the Trainer's keywords, as given, in place, before any is read."""

    def constructed(self, trainer: Any) -> None:
        """A Trainer is complete."""

    def member(self, owner: type, target: Any, name: str) -> Any:
        """An attribute that a class of Leyden does not have.

        Args:
            owner: the class, e.g. a subclass of ``Trainer``.
            target: the instance, or the class itself when it was asked.
            name: the attribute.

        Returns:
            A callable without arguments that returns the value; ``None`` when there is no such attribute.
        """

    def arguments(self, target: Any, method: str, given: dict[str, Any]) -> dict[str, Any] | None:
        """The keywords of a method's call, when some of them are unknown to it, as the method takes them."""

    def attach(self, session: Any, cleanup: Any) -> None:
        """A run begins to be set up; undo on ``cleanup`` what is done to the module."""

    def step(self, module: Any, name: str, call: Callable[..., Any], names: list[str]) -> Any:
        """A callable of ``(batch, batch_idx)`` for a training step whose parameters ``names`` are too many."""

    def method(self, module: Any, name: str, call: Callable[..., Any], count: int) -> Any:
        """A callable of ``count`` arguments for an overridden method of another signature."""

    def listener(self, kind: str, hook: str, target: Any, call: Callable[..., Any]) -> Any:
        """A callable of the present parameters for a hook's listener that requires more of them."""

    def listeners(self, session: Any, participants: list[Any]) -> list[Any] | None:
        """The listeners of a run in calling order, with those for events of the older API added."""

    def scheme(self, session: Any, configured: Any) -> Any:
        """The class of the step scheme for a module, where the present schemes do not fit."""

    def understands(self, name: str) -> bool | None:
        """Whether a method of a module that the present API has dropped is taken care of."""
