"""The contract of callbacks."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from leyden.api.callback import Callback
from leyden.testing.contracts.run import RunContract, assert_same_state


class CallbackContract(RunContract):
    """A ``Callback`` of ``leyden.callbacks``."""

    group: ClassVar[str] = "leyden.callbacks"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True

    def keywords(self, component: Any) -> dict[str, Any]:
        """``callbacks=[component]``."""
        return {"callbacks": [component]}

    def test_has_a_state_key(self) -> None:
        """It is text, it is the same for equal instances, and reading it changes nothing."""
        key = self.make().state_key
        assert isinstance(key, str) and key
        assert self.make().state_key == key

    def test_resumes(self) -> None:
        """A checkpoint of a run holds its state, and a run that resumes from it starts with that state."""
        made, other = self.make(), self.make()
        path = self.folder / "resumed.ckpt"
        outcome = self.run("fit", component=made).ok()
        outcome.trainer.save_checkpoint(path)
        state = copy.deepcopy(made.state_dict())
        seen = _StateAtStart(other)
        self.run("fit", component=other, callbacks=[other, seen], ckpt_path=path, max_epochs=2).ok()
        assert_same_state(seen.seen, state)


class _StateAtStart(Callback):
    """Sees the state of another callback after it was loaded and before fitting begins."""

    leyden_order: ClassVar[int] = -1

    def __init__(self, callback: Any) -> None:
        self.callback = callback
        self.seen: dict[str, Any] = {}

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Copy it."""
        self.seen = copy.deepcopy(self.callback.state_dict())
