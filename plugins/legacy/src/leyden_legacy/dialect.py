"""Lightning 1.x as a dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leyden.interfaces import Dialect


class Lightning1(Dialect):
    """Understands programs for Lightning 1.x, from 1.0 to 1.9, also where they use 2.x's API beside it."""

    def keywords(self, given: dict[str, Any]) -> None:
        """Values that keywords of the Trainer took in 1.x."""
        from leyden_legacy.values import translate

        translate(given)

    def constructed(self, trainer: Any) -> None:
        """Call ``on_init_start`` and ``on_init_end`` of callbacks."""
        from leyden_legacy.constructed import constructed

        constructed(trainer)

    def member(self, owner: type, target: Any, name: str) -> Any:
        """Attributes of the Trainer and of data modules."""
        from leyden_legacy.members import member

        return member(owner, target, name)

    def arguments(self, target: Any, method: str, given: dict[str, Any]) -> dict[str, Any] | None:
        """Keywords of the Trainer's methods and of a data module's constructor."""
        from leyden_legacy.calls import arguments

        return arguments(target, method, given)

    def attach(self, session: Any, cleanup: Any) -> None:
        """Give the module what it counts on."""
        from leyden_legacy.classes import attach

        attach(session, cleanup)

    def step(self, module: Any, name: str, call: Callable[..., Any], names: list[str]) -> Any:
        """Training steps with ``optimizer_idx`` or ``hiddens``."""
        from leyden_legacy.signatures import training_step

        return training_step(module, call, names)

    def method(self, module: Any, name: str, call: Callable[..., Any], count: int) -> Any:
        """Methods around the step with ``optimizer_idx``."""
        from leyden_legacy.signatures import method

        return method(module, name, call)

    def listener(self, kind: str, hook: str, target: Any, call: Callable[..., Any]) -> Any:
        """Hooks with ``dataloader_idx``, ``optimizer_idx`` or ``outputs``."""
        from leyden_legacy.signatures import listener

        return listener(kind, hook, call)

    def listeners(self, session: Any, participants: list[Any]) -> list[Any] | None:
        """Events that no hook is named after now."""
        from leyden_legacy.hooks import listeners

        return listeners(session, participants)

    def scheme(self, session: Any, configured: Any) -> Any:
        """Several optimizers in automatic optimization, and truncated backpropagation through time."""
        module = session.module
        steps = getattr(module, "truncated_bptt_steps", 0) or session.state.extra.get("tbptt", 0)
        several = len(configured.optimizers) > 1 or configured.frequencies
        if not module.automatic_optimization or not (several or steps):
            return None
        from leyden_legacy.step import LegacyStep

        return LegacyStep

    def understands(self, name: str) -> bool | None:
        """Epoch ends with outputs."""
        from leyden_legacy.hooks import EPOCH_ENDS

        return name in EPOCH_ENDS or None
