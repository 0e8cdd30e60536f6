"""Where Leyden does something else on purpose, and what it does instead.

One decision holds for every scenario and is therefore not in the table: a checkpoint may hold the one key of
its own that ``describe.OWN_CHECKPOINT_KEYS`` names.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]
Adapt = Callable[[Result], Result]


@dataclass(frozen=True)
class Difference:
    """A decision: why Leyden differs, and what the golden result becomes under it."""

    why: str
    adapt: Adapt


def torn_down(stage: str, *owners: str) -> Adapt:
    """The ``teardown`` hooks of ``owners`` run before the loggers are told that the run failed."""

    def adapt(golden: Result) -> Result:
        events = golden["events"]
        end = next(index for index, event in enumerate(events) if " Log.finalize(" in event)
        position = events[end].split(" Log.")[0]
        events[end:end] = [f"{position} {owner}.teardown(stage={stage!r})" for owner in owners]
        return golden

    return adapt


def renamed(old: str, new: str) -> Adapt:
    """``new`` stands in the events where the reference has ``old``."""
    return lambda golden: {**golden, "events": [event.replace(old, new) for event in golden["events"]]}


def without_evaluation_progress(golden: Result) -> Result:
    """The loop progress of validation is not kept: nothing is resumed from it."""
    progress = golden["facts"]["contents"]["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
    progress["is_last_batch"] = False
    for kind in ("total", "current"):
        progress[kind] = dict.fromkeys(progress[kind], 0)
    return golden


def finishing_the_epoch(golden: Result) -> Result:
    """A file saved in the last batch's hooks is resumed there: validation, the epoch's end, then the next epoch."""
    events = golden["events"]
    start = max(index for index, event in enumerate(events) if event.endswith("A.on_train_start()"))
    both = ("A", "LM")
    head = [f"[train e0 s4] {owner}.on_train_start()" for owner in both]
    inner = [f"{owner}.on_validation_{span}start()" for span in ("", "epoch_") for owner in both]
    inner += [f"{owner}.on_validation_batch_start(batch=#0,1, batch_idx=0, dataloader_idx=0)" for owner in both]
    inner += ["LM.validation_step(batch=#0,1, batch_idx=0, dataloader_idx=0) (eval, no_grad)"]
    outputs = "outputs=f32[], batch=#0,1, batch_idx=0, dataloader_idx=0"
    inner += [f"{owner}.on_validation_batch_end({outputs})" for owner in both]
    inner += [f"{owner}.on_validation_{span}end()" for span in ("epoch_", "") for owner in both]
    model = [f"LM.on_validation_model_{name}()" for name in ("zero_grad", "eval")]
    block = [f"[validate e0 s4] {one}" for one in (*model, *inner, "LM.on_validation_model_train()")]
    tail = [f"[train e0 s4] {owner}.on_train_epoch_end()" for owner in both]
    tail += [f"[train e1 s4] {owner}.on_train_epoch_start()" for owner in both]
    events[start : start + 2] = [*head, *block, *tail]
    return golden


def returning(adapt: Adapt) -> Adapt:
    """As ``adapt``, and nothing reaches the caller."""
    return lambda golden: {**adapt(golden), "raised": None}


_FIT = torn_down("fit", "DM", "A", "B", "LM")
_ALWAYS = "teardown undoes what setup did, also after an exception"

DIFFERENCES: dict[str, Difference] = {
    "exception_in_setup": Difference(_ALWAYS, _FIT),
    "exception_in_training_step": Difference(_ALWAYS, _FIT),
    "exception_in_validation_step": Difference(_ALWAYS, _FIT),
    "exception_in_test_step": Difference(_ALWAYS, torn_down("test", "A", "LM")),
    "resume_from_last_batch": Difference("nothing that was due is left out on resume", finishing_the_epoch),
    "no_optimizer": Difference("the stand-in has a public name", renamed("_MockOptimizer", "NoOptimizer")),
    "save_by_hand": Difference("validation always starts anew", without_evaluation_progress),
    "save_weights_only": Difference("validation always starts anew", without_evaluation_progress),
    "keyboard_interrupt": Difference(f"Ctrl-C returns control to the caller; {_ALWAYS}", returning(_FIT)),
}


def expected(scenario: str, golden: Result) -> Result:
    """What Leyden should do in ``scenario``, given what the reference does."""
    difference = DIFFERENCES.get(scenario)
    return golden if difference is None else difference.adapt(deepcopy(golden))
