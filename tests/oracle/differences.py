"""Where Leyden does something else on purpose, and what it does instead.

One decision holds for every scenario and is therefore not in the table: a checkpoint may hold the one key of
its own that ``describe.OWN_CHECKPOINT_KEYS`` names.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from unittest.mock import ANY

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
    inner += [
        f"{owner}.on_validation_batch_start(batch=#0,1, batch_idx=0, dataloader_idx=0)" for owner in both
    ]
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


def unlike(*places: str) -> Adapt:
    """What stands at these places (``a.b``) is not compared."""

    def adapt(golden: Result) -> Result:
        for place in places:
            *path, last = place.split(".")
            inner = golden
            for name in path:
                inner = inner[name]
            inner[last] = ANY
        return golden

    return adapt


def without_events(marker: str) -> Adapt:
    """Events that contain ``marker`` do not happen."""
    return lambda golden: {**golden, "events": [event for event in golden["events"] if marker not in event]}


def saving_each_epoch(golden: Result) -> Result:
    """``save_last`` alone writes at the end of every epoch, not only of the fit."""
    events = golden["events"]
    moved = [
        event
        for event in events
        if (event.startswith("[train e2 s4] LM.") and "_checkpoint" in event) or "state_dict" in event
    ]
    kept = [event for event in events if event not in moved]
    for epoch, step in ((0, 2), (1, 4)):
        end = kept.index(f"[train e{epoch} s{step}] LM.on_train_epoch_end()") + 1
        kept[end:end] = [event.replace("e2 s4", f"e{epoch} s{step}") for event in moved]
    return {**golden, "events": kept}


def saving_nothing(golden: Result) -> Result:
    """``fast_dev_run`` leaves no file."""
    golden = without_events("[train e1 s1] LM.state_dict")(
        without_events("[train e1 s1] LM.on_save_checkpoint")(golden)
    )
    golden["facts"].update(files=[], last="")
    return golden


def metrics_of_the_first_fit(golden: Result) -> Result:
    """What the fit that was saved had logged is there again."""
    found = {"train_loss": 0.036216, "val_loss": 0.064942}
    golden["metrics"].update(callback_metrics=found, logged_metrics=dict(found))
    return golden


def loading_validation_later(golden: Result) -> Result:
    """Without a sanity check the validation loader is built after the training loader."""
    events = [event for event in golden["events"] if not event.startswith("[sanity e1 s2]")]
    last = max(index for index, event in enumerate(events) if event == "[train e1 s2] DM.train_dataloader()")
    events.insert(last + 1, "[validate e1 s2] DM.val_dataloader()")
    return {**golden, "events": events}


def chained(*adapts: Adapt) -> Adapt:
    """Several adaptations in order."""

    def adapt(golden: Result) -> Result:
        for one in adapts:
            golden = one(golden)
        return golden

    return adapt


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
    "resume_from_last_batch": Difference(
        "nothing that was due is left out on resume", chained(finishing_the_epoch, unlike("values"))
    ),
    "resume_after_fit": Difference(
        "a resumed run has been checked", chained(loading_validation_later, unlike("values"))
    ),
    "resume_finished_run": Difference("metrics come back with a checkpoint", metrics_of_the_first_fit),
    "keep_only_last": Difference("the last checkpoint is never older than an epoch", saving_each_epoch),
    "keep_nothing_in_fast_dev_run": Difference("fast_dev_run leaves no file", saving_nothing),
    "keep_the_latest": Difference("loggers get the callback itself", renamed("ProxyType", "ModelCheckpoint")),
    "no_optimizer": Difference("the stand-in has a public name", renamed("_MockOptimizer", "NoOptimizer")),
    "save_by_hand": Difference("validation always starts anew", without_evaluation_progress),
    "save_weights_only": Difference("validation always starts anew", without_evaluation_progress),
    "keyboard_interrupt": Difference(f"Ctrl-C returns control to the caller; {_ALWAYS}", returning(_FIT)),
}


def expected(scenario: str, golden: Result) -> Result:
    """What Leyden should do in ``scenario``, given what the reference does."""
    difference = DIFFERENCES.get(scenario)
    return golden if difference is None else difference.adapt(deepcopy(golden))
