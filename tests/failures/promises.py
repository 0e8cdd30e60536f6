"""What must hold after a failure, each promise a function of the account: kept, broken, or nothing to keep."""

from __future__ import annotations

from collections.abc import Callable

from tests.failures.cases import LOADERS, STEMS, TRANSFER
from tests.failures.program import Account

UNNOTED = {
    *TRANSFER, *(f"{stem}_step" for stem in ("training", *STEMS.values())),
    *(f"{prefix}_dataloader" for prefix in ("train", *LOADERS.values())),
    "configure_optimizers", "configure_callbacks", "configure_model", "configure_gradient_clipping", "optimizer_step",
    "optimizer_zero_grad", "backward", "lr_scheduler_step", "state_dict", "load_state_dict", "experiment",
}  # fmt: skip
"""Methods of the user's that are no hooks, or that no plugin can be behind: the traceback names them."""

LOGGERS = {
    "log_metrics": "leyden_log_metrics", "log_hyperparams": "leyden_log_hyperparams", "log_graph": "leyden_log_graph",
    "finalize": "leyden_finalize", "save": "",
}  # fmt: skip


def control(account: Account) -> bool:
    """The very exception reaches the caller; after Ctrl-C nothing does, and the Trainer says so."""
    expected = account.primary or account.fault.error
    if isinstance(expected, KeyboardInterrupt):
        return account.reached is None and account.interrupted
    return account.reached is expected and account.interrupted


def note(account: Account) -> bool | None:
    """A note names who failed in which hook."""
    case = account.case
    if case.hook in UNNOTED or case.secondary:
        return None
    notes = [one for one in getattr(account.fault.error, "__notes__", ()) if "Failing" in one]
    hook = LOGGERS.get(case.hook, case.hook) if case.place == "logger" else case.hook
    return any(hook in one for one in notes)


def told(account: Account) -> bool | None:
    """Every other callback was told once, of this exception."""
    if account.case.late:
        return None
    expected = account.primary or account.fault.error
    return all(len(seen.told) == 1 and seen.told[0] is expected for seen in account.witnesses)


def torn_down(account: Account) -> bool:
    """Whatever was set up was torn down, once."""
    return all(seen.down == 1 for seen in (*account.witnesses, *account.others) if seen.up)


def finalised(account: Account) -> bool:
    """Every logger that was started was finalised once, and told that the run failed."""
    ends = [end for started, end in account.loggers if started]
    if account.case.late:
        return all(len(end) == 1 for end in ends)
    return all(end == ["failed"] for end in ends)


def signals(account: Account) -> bool:
    """The signal handlers are those from before."""
    return account.signals


def calm(account: Account) -> bool:
    """Gradients are on, and no thread or process is left."""
    return account.calm


def training(account: Account) -> bool:
    """The module is in training mode, as it was before."""
    return account.training


def again(account: Account) -> bool:
    """A new Trainer in the same process trains the same module."""
    return account.again is None


PROMISES: dict[str, Callable[[Account], bool | None]] = {
    one.__name__: one for one in (control, note, told, torn_down, finalised, signals, calm, training, again)
}


def broken(account: Account) -> list[str]:
    """The promises that were broken; ``fired`` when the method was never called."""
    if not account.fault.raised:
        return ["fired"]
    return [name for name, kept in PROMISES.items() if kept(account) is False]
